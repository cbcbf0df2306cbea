"""Parses the URL of a database and checks, without connecting, that the sink can use it."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError


def parse_url(url: str | URL) -> URL:
    """Return *url* as SQLAlchemy's URL.

    :raises TypeError: if it is something else than a string or a URL.
    :raises ValueError: if it is not the URL of a database. The message does not quote it: it may hold a password.
    """
    if not isinstance(url, str | URL):
        raise TypeError(f"SQL takes a URL or an Engine, not {type(url).__name__}")
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # their messages may hold a part of the URL
        raise ValueError("this is no URL of a database, such as postgresql+psycopg://user@host/name") from None


def check_driver(url: URL) -> None:
    """Import the driver of *url*, so that a missing one shows at the start.

    :raises ImportError: if the driver is not installed.
    :raises ValueError: if SQLAlchemy does not know the driver, or the sink cannot use it.
    """
    try:
        dialect = url.get_dialect()
    except ArgumentError as error:
        raise ValueError(f"SQLAlchemy knows no driver {url.drivername}") from error
    if dialect.is_async:
        raise ValueError(f"{url.drivername} is an async driver, for which a sink cannot wait")
    if dialect.name == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValueError("each connection would have an SQLite database in memory of its own; name a file")
    dialect.import_dbapi()
