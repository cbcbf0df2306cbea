"""The differences between the drivers of databases: how to bound their waiting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def timeout_arguments(driver: str, query: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """Return the arguments for a connection that bound the driver's waiting, except those that the URL sets itself.

    For MariaDB and MySQL, they also set the character set.

    :param driver: SQLAlchemy's name of the driver.
    :param query: the query of the URL.
    :param timeout: seconds.
    """
    seconds = math.ceil(timeout)
    limits: dict[str, Any] = {}
    always: dict[str, Any] = {}
    if driver in ("psycopg", "psycopg2"):
        limits = {"connect_timeout": seconds, "tcp_user_timeout": math.ceil(timeout * 1000)}
        limits |= {"keepalives_idle": seconds, "keepalives_interval": seconds, "keepalives_count": 1}
        if driver == "psycopg":  # until it is known that no pooler stands between
            limits["prepare_threshold"] = None
    elif driver in ("pymysql", "mysqldb", "mariadbconnector"):
        exact = timeout if driver == "pymysql" else seconds
        limits = dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), exact)
        if driver != "mariadbconnector":  # it knows no other character set
            always = {"charset": "utf8mb4"}
    elif driver == "pysqlite":
        limits = {"timeout": timeout}
    return {name: value for name, value in limits.items() if name not in query} | always


def bounds_statements(driver: str, query: Mapping[str, Any]) -> bool:
    """Return True if the server is to be told how long a statement may take, since the URL does not tell it itself."""
    return driver in ("psycopg", "psycopg2") and "statement_timeout" not in str(query.get("options", ""))
