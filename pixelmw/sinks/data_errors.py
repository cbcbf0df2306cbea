"""Which errors of a database driver the data causes, by their codes, and what a message may say of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from ..events import Event
from .rows import COLUMNS
from .words import server_words

# Classes of SQLSTATE: data exception, integrity constraint violation, program limit exceeded.
_DATA_SQLSTATE_CLASSES = ("22", "23", "54")
# CONSTRAINT_FAILED (MariaDB), CHECK_CONSTRAINT_VIOLATED, INVALID_JSON_TEXT, JSON_DOCUMENT_TOO_DEEP (MySQL), and of both
# NET_PACKET_TOO_LARGE, TRUNCATED_WRONG_VALUE_FOR_FIELD, DATA_TOO_LONG.
_DATA_ERROR_NUMBERS = (4025, 3819, 3140, 3157, 1153, 1366, 1406)
#: SQLSTATE, and numbers of MariaDB and MySQL, of a server that takes no writes: it was started so, or became a replica.
READ_ONLY_CODES: tuple[str | int, ...] = ("25006", 1290, 1792, 1836)
_NOT_NULL_VIOLATION = "23502"
_NO_DEFAULT_FOR_FIELD = 1364  # of MariaDB and MySQL
# Classes of SQLSTATE that rules of the operator's own give: an error of PL/pgSQL's, such as RAISE, ASSERT and INTO
# STRICT; a subquery with several rows; a view's CHECK OPTION; SIGNAL.
_RULE_SQLSTATE_CLASSES = ("P0", "21", "44", "45")
# The other classes that PostgreSQL has of its own, and 70, an interrupted query of MariaDB.
# The standard leaves 5 to 9 and I to Z to whoever wants them.
_LEFT_TO_USERS = frozenset("56789IJKLMNOPQRSTUVWXYZ")
_OWN_SQLSTATE_CLASSES = ("53", "54", "55", "57", "58", "70", "72", "XX")
# Of MariaDB and MySQL: SIGNAL_EXCEPTION, SIGNAL_NOT_FOUND, SIGNAL_WARN, SUBQUERY_NO_1_ROW, REGEXP_ERROR and
# VIEW_CHECK_FAILED.
_RULE_ERROR_NUMBERS = (1644, 1643, 1642, 1242, 1139, 1369)
# SIGNAL gives any number. Those of the servers, of their clients, of TiDB and of ProxySQL (9001: no backend) are below.
_FIRST_NUMBER_OF_USERS = 10_000
# A policy for rows has the code of a right that is missing. The server names the function that says so in any language.
_POLICY_FUNCTION = "ExecWithCheckOptions"

# From the first quotation mark to the last: between them a value may stand, with quotation marks of its own.
_QUOTED = re.compile(r"[\"'`].*[\"'`]", re.DOTALL)


def is_data_error(error: BaseException | None) -> bool:
    """Return True if the code in a driver's error says that the data is at fault, whatever its class says.

    Some of them are an ``OperationalError``: a check that failed in MariaDB
    (PyMySQL), a value that is too long for an index in PostgreSQL. Not every
    driver gives the SQLSTATE.
    """
    return _state(error)[:2] in _DATA_SQLSTATE_CLASSES or _number(error) in _DATA_ERROR_NUMBERS


def is_of_the_tables(error: BaseException | None, columns: Collection[str]) -> bool:
    """Return True if the code blames the data, but the table is at fault: it needs a column beside *columns*."""
    if _number(error) == _NO_DEFAULT_FOR_FIELD:
        return True
    column = getattr(getattr(error, "diag", None), "column_name", None)
    return _state(error) == _NOT_NULL_VIOLATION and column is not None and column not in columns


def is_read_only(error: BaseException | None) -> bool:
    """Return True if a server says that it takes no writes: another one may be behind the same name by now."""
    return _state(error) in READ_ONLY_CODES or _number(error) in READ_ONLY_CODES


def is_of_a_rule(error: BaseException | None) -> bool:
    """Return True if a rule of the operator's own raised *error*: a trigger, a policy, a view; it may mean the row."""
    state, number = _state(error), _number(error)
    return (
        state[:2] in _RULE_SQLSTATE_CLASSES
        or (state[:1] in _LEFT_TO_USERS and state[:2] not in _OWN_SQLSTATE_CLASSES)
        or number in _RULE_ERROR_NUMBERS
        or (isinstance(number, int) and number >= _FIRST_NUMBER_OF_USERS)
        or getattr(getattr(error, "diag", None), "source_function", None) == _POLICY_FUNCTION
    )


def data_words(cause: Any, events: Iterable[Event]) -> str:
    """Return what the server says of the data, without what it quotes, and which column or constraint it names.

    :param cause: the driver's own error.
    """
    diagnosis = getattr(cause, "diag", None)
    # Drivers of MariaDB and MySQL give a number and the words.
    words = str(getattr(diagnosis, "message_primary", None) or next(reversed(cause.args), "") or type(cause).__name__)
    names = [getattr(diagnosis, f"{kind}_name", None) for kind in ("table", "column", "constraint")]
    for name in filter(None, [*names, *COLUMNS]):
        for mark in "\"'`":
            words = words.replace(f"{mark}{name}{mark}", name)
    return server_words(_QUOTED.sub("…", words), events)


def _state(error: BaseException | None) -> str:
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""


def _number(error: BaseException | None) -> object:
    return next(iter(getattr(error, "args", ())), None)
