"""Which errors of a database driver the data causes, by their codes."""

from __future__ import annotations

# Classes of SQLSTATE: data exception, integrity constraint violation, program limit exceeded.
_DATA_SQLSTATE_CLASSES = ("22", "23", "54")
# CONSTRAINT_FAILED (MariaDB), CHECK_CONSTRAINT_VIOLATED, INVALID_JSON_TEXT, JSON_DOCUMENT_TOO_DEEP (MySQL).
_DATA_ERROR_NUMBERS = (4025, 3819, 3140, 3157)


def is_data_error(error: BaseException | None) -> bool:
    """Return True if the code in a driver's error says that the data is at fault, whatever its class says.

    Some of them are an ``OperationalError``: a check that failed in MariaDB
    (PyMySQL), a value that is too long for an index in PostgreSQL. Not every
    driver gives the SQLSTATE.
    """
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
    number = next(iter(getattr(error, "args", ())), None)
    return state[:2] in _DATA_SQLSTATE_CLASSES or number in _DATA_ERROR_NUMBERS
