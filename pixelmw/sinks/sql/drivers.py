"""The differences between the drivers of databases: how to bound their waiting, and which errors the data causes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# Classes of SQLSTATE: data exception, integrity constraint violation, program limit exceeded.
_DATA_SQLSTATE_CLASSES = ("22", "23", "54")
# CONSTRAINT_FAILED (MariaDB), CHECK_CONSTRAINT_VIOLATED, INVALID_JSON_TEXT, JSON_DOCUMENT_TOO_DEEP (MySQL).
_DATA_ERROR_NUMBERS = (4025, 3819, 3140, 3157)


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
        milliseconds = math.ceil(timeout * 1000)
        limits = {"connect_timeout": seconds, "tcp_user_timeout": milliseconds}
        limits |= {"keepalives_idle": seconds, "keepalives_interval": seconds, "keepalives_count": 1}
        always = {"options": f"-c statement_timeout={milliseconds} {query.get('options', '')}"}
    elif driver in ("pymysql", "mysqldb", "mariadbconnector"):
        exact = timeout if driver == "pymysql" else seconds
        limits = dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), exact)
        if driver != "mariadbconnector":  # it knows no other character set
            always = {"charset": "utf8mb4"}
    elif driver == "pysqlite":
        limits = {"timeout": timeout}
    return {name: value for name, value in limits.items() if name not in query} | always


def is_data_error(error: BaseException | None) -> bool:
    """Return True if the code in a driver's error says that the data is at fault, whatever its class says.

    Some of them are an ``OperationalError``: a check that failed in MariaDB
    (PyMySQL), a value that is too long for an index in PostgreSQL. Not every
    driver gives the SQLSTATE.
    """
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
    number = next(iter(getattr(error, "args", ())), None)
    return state[:2] in _DATA_SQLSTATE_CLASSES or number in _DATA_ERROR_NUMBERS
