"""What an error of a database means: whose fault it is, and what an operator has to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from ...events import Event
from ..data_errors import READ_ONLY_CODES, data_words, is_data_error, is_of_a_rule, is_of_the_tables
from ..errors import SinkError, Unavailable, Undeliverable
from ..rows import COLUMNS
from ..words import server_words

_LOGIN = "the database does not let this user in: mend the user, the password or the rules for logins"
_RIGHTS = "this user may not do that: grant it INSERT and SELECT on {table}, on MariaDB and MySQL also UPDATE"
_DATABASE = "the database is not there: create it, or mend its name"
_TABLE = "the table {table} is not there, and this user may not create it: create it, or grant the right to"
_SHAPE = "the table {table} has other columns than the sink's: mend it, or name another table"
_READ_ONLY = "the database takes no writes: is it a replica?"
_FULL = "the server has no room left: make some"
_CROWDED = "the server takes no more connections: allow more, or put a pooler in front"
# By SQLSTATE (PostgreSQL, appendix A), and by the number of an error of MariaDB or MySQL.
_ADVICE: dict[str | int, str] = {
    "28P01": _LOGIN,
    "28000": _LOGIN,
    1045: _LOGIN,
    1698: _LOGIN,
    "42501": _RIGHTS,
    1044: _RIGHTS,
    1142: _RIGHTS,
    1143: _RIGHTS,
    "3D000": _DATABASE,
    1049: _DATABASE,
    "42P01": _TABLE,
    "3F000": _TABLE,
    1146: _TABLE,
    "42703": _SHAPE,
    "42804": _SHAPE,
    "42P10": _SHAPE,
    "23502": _SHAPE,
    1054: _SHAPE,
    1364: _SHAPE,
    **dict.fromkeys(READ_ONLY_CODES, _READ_ONLY),
    "53100": _FULL,
    1021: _FULL,
    1114: _FULL,
    "53300": _CROWDED,
    1040: _CROWDED,
    1203: _CROWDED,
}
# libpq gives no SQLSTATE where it cannot connect, only the server's words.
_SAID_AT_LOGIN = (
    (re.compile(r"password authentication failed|no pg_hba\.conf entry|role .* does not exist|SASL auth"), _LOGIN),
    (re.compile(r"database .* does not exist"), _DATABASE),
    (re.compile(r"too many clients|too many connections|remaining connection slots"), _CROWDED),
)


def verdict(error: SQLAlchemyError, table: str, events: Iterable[Event]) -> SinkError:
    """Return what the sink raises for *error*, which it met when it stored *events*.

    Its words hold no part of them: PostgreSQL's other lines have the row, MariaDB's first one has a value, and
    SQLAlchemy's message has the statement.

    :param table: the table's name, for what is to be done about it.
    """
    cause: Any = (error.orig if isinstance(error, DBAPIError) else None) or error
    if is_of_a_rule(cause):
        return SinkError(f"a rule of the database's own refuses the row: {data_words(cause, events)}")
    of_the_data = isinstance(error, DataError | IntegrityError) or is_data_error(cause)
    if of_the_data and not is_of_the_tables(cause, COLUMNS):
        return Undeliverable(data_words(cause, events))
    words = server_words(str(cause), events)
    return Unavailable(": ".join(filter(None, [_advice(cause, words).format(table=table), words])))


@contextmanager
def encoding(url: str) -> Iterator[None]:
    """Blame the event for what cannot be encoded within the block: a caller's engine may use a small character set."""
    try:
        yield
    except UnicodeError:
        raise Undeliverable(f"{url}: its character set lacks a character of the event") from None


def _advice(cause: Any, words: str) -> str:
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    number = next(iter(getattr(cause, "args", ())), None)
    for code in (state, number):
        if isinstance(code, str | int) and code in _ADVICE:
            return _ADVICE[code]
    return next((advice for pattern, advice in _SAID_AT_LOGIN if pattern.search(words)), "")
