"""The differences between the drivers of databases: how to bound their waiting, and what they count."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.engine import Connection, Engine


def timeout_arguments(driver: str, query: Mapping[str, Any], timeout: float, *, addresses: int = 1) -> dict[str, Any]:
    """Return the arguments for a connection that bound the driver's waiting, except those that the URL sets itself.

    For MariaDB and MySQL, they also set the character set.

    :param driver: SQLAlchemy's name of the driver.
    :param query: the query of the URL.
    :param timeout: seconds.
    :param addresses: how many the host has: a driver gives each of them the whole time to connect.
    """
    seconds, to_connect = math.ceil(timeout), timeout / addresses
    limits: dict[str, Any] = {}
    always: dict[str, Any] = {}
    if driver in ("psycopg", "psycopg2"):
        limits = {"connect_timeout": math.ceil(to_connect), "tcp_user_timeout": math.ceil(timeout * 1000)}
        limits |= {"keepalives_idle": seconds, "keepalives_interval": seconds, "keepalives_count": 1}
        if driver == "psycopg":  # until it is known that no pooler stands between
            limits["prepare_threshold"] = None
    elif driver in ("pymysql", "mysqldb", "mariadbconnector"):
        exact = driver == "pymysql"
        limits = dict.fromkeys(("read_timeout", "write_timeout"), timeout if exact else seconds)
        limits["connect_timeout"] = to_connect if exact else math.ceil(to_connect)
        if driver != "mariadbconnector":  # it knows no other character set
            always = {"charset": "utf8mb4"}
    elif driver == "pysqlite":
        limits = {"timeout": timeout}
    return {name: value for name, value in limits.items() if name not in query} | always


def bounds_statements(driver: str, query: Mapping[str, Any]) -> bool:
    """Return True if the server is to be told how long a statement may take, since the URL does not tell it itself."""
    return driver in ("psycopg", "psycopg2") and "statement_timeout" not in str(query.get("options", ""))


def changes_of(connection: Connection) -> Callable[[], int] | None:
    """Return what tells how many rows *connection* has changed in all, if it is one of SQLite."""
    if connection.dialect.name != "sqlite":
        return None
    driver: Any = connection.connection.driver_connection
    return lambda: int(driver.total_changes)


def dispose(engine: Engine) -> None:
    """Close the connections of *engine* that nobody uses."""
    engine.pool.dispose()
