"""Inserts rows into an SQLite database: all in a few statements, or one by one if the database refuses some."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain

from ..rows import COLUMNS, Row
from .errors import ROW_ERRORS

_COLUMN_COUNT = len(COLUMNS)
# Every build of SQLite takes this many variables in a statement. Most take 32,766. That is no faster, and the
# statements that a connection keeps prepared would need 400 MB.
_MAX_VARIABLES = 999


def insert_all(connection: sqlite3.Connection, rows: Sequence[Row]) -> int:
    """Insert all of *rows* or none, and commit. After an error, a transaction may be left to roll back.

    :returns: how many were not inserted, since their messageId was there already.
    """
    # One statement is one call into SQLite, during which other threads run. executemany makes a call for each row.
    variables = min(_MAX_VARIABLES, connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER))
    max_rows = variables // _COLUMN_COUNT
    if len(rows) <= max_rows:
        return len(rows) - connection.execute(_statement(len(rows)), list(chain.from_iterable(rows))).rowcount
    repeated = len(rows)
    connection.execute("BEGIN IMMEDIATE")
    for start in range(0, len(rows), max_rows):
        chunk = rows[start : start + max_rows]
        repeated -= connection.execute(_statement(len(chunk)), list(chain.from_iterable(chunk))).rowcount
    connection.execute("COMMIT")
    return repeated


def insert_one_by_one(connection: sqlite3.Connection, rows: Mapping[int, Row]) -> tuple[dict[int, sqlite3.Error], int]:
    """Insert in one transaction the rows that the database takes, and commit.

    :param rows: by their places in the batch.
    :returns: what the database refused, by place, and how many rows were not
        inserted, since their messageId was there already.
    :raises sqlite3.Error: if nothing was stored: the file is at fault, or a trigger rolled back the transaction.
    """
    refused: dict[int, sqlite3.Error] = {}
    repeated = 0
    connection.execute("BEGIN IMMEDIATE")
    for place, row in rows.items():
        try:
            repeated += 1 - connection.execute(_statement(1), row).rowcount
        except ROW_ERRORS as error:
            if not connection.in_transaction:  # a trigger may roll back more than its row
                raise
            refused[place] = error
    connection.execute("COMMIT")
    return refused, repeated


@cache
def _statement(rows: int) -> str:
    row = f"({', '.join('?' * _COLUMN_COUNT)})"
    values = ", ".join([row] * rows)
    return f"INSERT INTO events VALUES {values} ON CONFLICT (message_id) DO NOTHING"  # noqa: S608 - question marks
