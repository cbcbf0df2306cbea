"""Inserts rows into an SQLite database: all in a few statements, or one by one if the database refuses some."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

from ..rows import COLUMNS, Row
from .errors import ROW_ERRORS, primary_code

_COLUMN_COUNT = len(COLUMNS)
# Every build of SQLite takes this many variables in a statement. Most take 32,766. That is no faster, and the
# statements that a connection keeps prepared would need 400 MB.
_MAX_VARIABLES = 999
_KEPT_OUT = "a trigger of the table events kept the row out"


class RuleError(sqlite3.OperationalError):
    """What a trigger of the operator's met in a row; the table itself would take it."""


class Inserted(NamedTuple):
    """What became of rows that were not all new.

    :ivar refused: what the database refused, by the place of the row.
    :ivar repeated: how many were not inserted, since their messageId was there already.
    """

    refused: dict[int, sqlite3.Error]
    repeated: int


def insert(connection: sqlite3.Connection, rows: Mapping[int, Row]) -> Inserted:
    """Insert in one transaction the rows that the database takes, and commit.

    A trigger may ignore or delete a row without an error. So each row counts as
    stored only if nothing but the insertion of these rows has changed the
    database, or if the row is found there. After an error, a transaction may be
    left to roll back.

    :param rows: by their places in the batch.
    :raises RuleError: if nothing was stored, as a trigger failed.
    :raises sqlite3.Error: if nothing was stored: the file is at fault, or a trigger rolled back the transaction.
    """
    try:
        return _insert(connection, rows)
    except sqlite3.OperationalError as error:
        if primary_code(error) == sqlite3.SQLITE_ERROR and _compiles(connection):
            raise RuleError(*error.args) from error
        raise


def _insert(connection: sqlite3.Connection, rows: Mapping[int, Row]) -> Inserted:
    if len(rows) == 1:
        ((place, row),) = rows.items()
        return _insert_one(connection, place, row)
    try:
        repeated = _insert_all(connection, list(rows.values()))
    except ROW_ERRORS:
        repeated = None
    if repeated is not None:
        return Inserted({}, repeated)
    connection.rollback()
    return _insert_one_by_one(connection, rows)


def _insert_all(connection: sqlite3.Connection, rows: Sequence[Row]) -> int | None:
    """Insert *rows*, and commit if all of them are there then; returns how many were there before.

    :returns: ``None`` if some are not there, or the transaction was rolled back.
    """
    connection.execute("BEGIN IMMEDIATE")
    changes_before = connection.total_changes
    inserted = 0
    # One statement is one call into SQLite, during which other threads run. executemany makes a call for each row.
    for chunk in _chunks(connection, rows):
        inserted += connection.execute(insert_statement(len(chunk)), list(chain.from_iterable(chunk))).rowcount
    # This counts what triggers change, too, where the other one does not.
    changes = connection.total_changes - changes_before
    if not changes == inserted == len(rows) and not all(_is_there(connection, row) for row in rows):
        return None
    connection.execute("COMMIT")
    return len(rows) - inserted


def _insert_one_by_one(connection: sqlite3.Connection, rows: Mapping[int, Row]) -> Inserted:
    refused: dict[int, sqlite3.Error] = {}
    repeated = 0
    connection.execute("BEGIN IMMEDIATE")
    for place, row in rows.items():
        alone = _insert_one(connection, place, row)
        if alone.refused and not connection.in_transaction:  # a trigger may roll back more than its row
            raise alone.refused[place]
        refused |= alone.refused
        repeated += alone.repeated
    connection.execute("COMMIT")
    return Inserted(refused, repeated)


def _insert_one(connection: sqlite3.Connection, place: int, row: Row) -> Inserted:
    """Insert one row. Where no transaction was begun, this is one, at less than the cost of three statements."""
    changes_before = connection.total_changes
    try:
        inserted = connection.execute(insert_statement(1), row).rowcount
    except ROW_ERRORS as error:
        return Inserted({place: error}, 0)
    if connection.total_changes - changes_before == inserted == 1 or _is_there(connection, row):
        return Inserted({}, 1 - inserted)
    return Inserted({place: sqlite3.IntegrityError(_KEPT_OUT)}, 0)


def _compiles(connection: sqlite3.Connection) -> bool:
    """Return True if the statement compiles: the table is there with its columns, and so is what its triggers name."""
    try:
        # A text of its own: a statement that was compiled before the error would be used as it is.
        compile_insert(connection, comment=" -- again")
    except sqlite3.Error:
        return False
    return True


def _is_there(connection: sqlite3.Connection, row: Row) -> bool:
    return connection.execute("SELECT 1 FROM events WHERE message_id = ?", row[:1]).fetchone() is not None


def _chunks(connection: sqlite3.Connection, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    variables = min(_MAX_VARIABLES, connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER))
    max_rows = variables // _COLUMN_COUNT
    for start in range(0, len(rows), max_rows):
        yield rows[start : start + max_rows]


def compile_insert(connection: sqlite3.Connection, *, comment: str = "") -> None:
    """Have SQLite compile what inserts a row, and no more.

    :param comment: what stands behind the statement.
    :raises sqlite3.OperationalError: if the table, its columns or what its triggers name are not there.
    """
    connection.execute(f"EXPLAIN {insert_statement(1)}{comment}", [None] * _COLUMN_COUNT)


@cache
def insert_statement(rows: int) -> str:
    """Return what inserts so many rows, but for those whose messageId is there already.

    It names the columns: a table of the user's own making may have them in another order, and more of them.
    """
    row = f"({', '.join('?' * _COLUMN_COUNT)})"
    values = ", ".join([row] * rows)
    # No text of a user's is in it.
    return f"INSERT INTO events ({', '.join(COLUMNS)}) VALUES {values} ON CONFLICT (message_id) DO NOTHING"  # noqa: S608
