"""What differs between the drivers of databases: how they are told to wait, and how they blame the data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# Classes of SQLSTATE: data exception, integrity constraint violation, program limit exceeded.
_DATA_STATES = ("22", "23", "54")
# CONSTRAINT_FAILED (MariaDB), CHECK_CONSTRAINT_VIOLATED, INVALID_JSON_TEXT, JSON_DOCUMENT_TOO_DEEP (MySQL).
_DATA_NUMBERS = (4025, 3819, 3140, 3157)


def connect_args(driver: str, query: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """The arguments that bound a driver's waiting, as far as the URL does not say so itself.

    :param driver: SQLAlchemy's name of it.
    :param query: what the URL says.
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
        if driver != "mariadbconnector":  # which speaks nothing else
            always = {"charset": "utf8mb4"}
    elif driver == "pysqlite":
        limits = {"timeout": timeout}
    return {name: value for name, value in limits.items() if name not in query} | always


def blames_the_data(error: BaseException | None) -> bool:
    """Whether the codes of a driver's error say so, whatever its class says.

    Some are an ``OperationalError``: a check that failed in MariaDB (PyMySQL), a
    value that is too long for an index in PostgreSQL. Not every driver tells the SQLSTATE.
    """
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
    number = next(iter(getattr(error, "args", ())), None)
    return state[:2] in _DATA_STATES or number in _DATA_NUMBERS
