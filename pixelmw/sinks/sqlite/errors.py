"""The errors of SQLite in the words that all sinks use."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from ..errors import Unavailable, Undeliverable

#: Errors for which a row is at fault; any other is the file's.
ROW_ERRORS = (sqlite3.IntegrityError, sqlite3.DataError)

_PRIMARY_CODE = 0xFF  # of an error code; the other bits say more about it: https://sqlite.org/rescode.html


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's code of *error*, or zero for one that has none."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE


def file_error(path: Path, error: sqlite3.Error) -> Exception:
    """Return what to raise in place of *error*, which says that nothing was stored.

    The file is locked, away, read-only, damaged or no database: that is nothing
    about the events. A full disk is an ``OSError``, as for a file of another kind.
    An error of :data:`ROW_ERRORS` that comes here ended the whole transaction,
    so it is not known whose it is, and stays what it is.
    """
    if isinstance(error, ROW_ERRORS):
        return error
    if primary_code(error) == sqlite3.SQLITE_FULL:
        return OSError(errno.ENOSPC, str(error), str(path))
    return Unavailable(f"{path}: {error}")


def row_error(path: Path, error: sqlite3.Error) -> Undeliverable:
    """Return what to raise for a row that the database refused, when it was tried alone."""
    refusal = Undeliverable(f"{path}: {error}")
    refusal.__cause__ = error
    return refusal
