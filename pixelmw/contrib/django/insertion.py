"""Inserts rows into the table of the model on a connection of Django's, and what a lost connection means."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Sequence
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from ...sinks.data_errors import is_read_only
from ...sinks.insertion import Run, insert_rows, may_lose_rows
from ...sinks.rows import Row
from ...sinks.statement import chars_in, may_be_too_much, refuse_larger, split_by_statement, values_in_packet

#: Seconds to wait for SQLite. Django's default for a file of it.
MAX_WAIT = 5.0
# The parameters of one statement, for a backend that names no limit. It is PostgreSQL's.
_MAX_PARAMETERS = 65_535
_PAUSE = 0.005  # seconds
# No server that anybody runs takes less than four bytes for each of so many: MySQL's lowest default was 1 MiB.
_FEW_CHARS = 100_000
# Of MariaDB and MySQL: the connection is gone.
_LOST_NUMBERS = (2006, 2013, 2055)


def stale_at_most(connection: Any) -> int:
    """How many connections that somebody opened earlier *connection* may hold, one after the other."""
    if connection.in_atomic_block:
        return 0
    if (pool := getattr(connection, "pool", None)) is not None:  # PostgreSQL's OPTIONS may have one
        return int(pool.max_size)
    return int(connection.connection is not None)


def insert_past_readers(connection: Any, table: str, rows: list[Row]) -> int:
    """Insert *rows* also where SQLite's shared cache, of a database in memory, fails instead of waiting."""
    deadline = time.monotonic() + MAX_WAIT
    while True:
        try:
            return insert(connection, table, rows)
        except OperationalError as error:
            if "table is locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE)


def insert(connection: Any, table: str, rows: list[Row], *, always_look: bool = False) -> int:
    """Insert *rows*, and return how many were there already; the arguments are as for :func:`insert_rows`."""
    max_parameters = connection.features.max_query_params or _MAX_PARAMETERS
    repeated = 0
    with transaction.atomic(using=connection.alias, durable=True), connection.cursor() as cursor:
        most = _most_bytes(connection, cursor, rows)
        for part in split_by_statement(rows, max_parameters, most):
            repeated += insert_rows(
                _runner(cursor),
                table,
                part,
                backend=connection.vendor,
                placeholder="%s",
                always_look=always_look,
                changes=(lambda: connection.connection.total_changes) if connection.vendor == "sqlite" else None,
            )
    return repeated


def _runner(cursor: Any) -> Run:
    def run(statement: str, parameters: tuple[str | None, ...]) -> Any:
        cursor.execute(statement, parameters)
        return cursor

    return run


def may_lose_rows_of(connection: Any, table: str) -> bool:
    """Ask :func:`may_lose_rows`, by the driver's own cursor: a test of a user's counts the queries of Django's."""
    if connection.vendor != "postgresql":
        return bool(connection.vendor == "mysql")  # where triggers show to some users only
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        return may_lose_rows(_runner(cursor), table, connection.vendor)


def _most_bytes(connection: Any, cursor: Any, rows: Sequence[Row]) -> float:
    """Return how many bytes of values one statement may have; it is asked only where there are many.

    :raises Undeliverable: if there is a row that does not even fit alone.
    """
    if connection.vendor != "mysql" or sum(map(chars_in, rows)) < _FEW_CHARS:
        return math.inf
    cursor.execute("SELECT @@max_allowed_packet")
    most = values_in_packet(int(cursor.fetchone()[0]))
    for refusal in refuse_larger(dict(enumerate(rows)), most).values():
        raise refusal
    return most


def is_lost(connection: Any, taken: object, error: Exception) -> bool:
    """Return True if *error* says that the driver's connection *taken* was lost.

    :param connection: Django's, which may have another one by now.
    :param error: Django's.
    """
    number = next(iter(getattr(error.__cause__, "args", ())), None)
    # PyMySQL makes a new connection where Django asks whether the old one is usable.
    return number in _LOST_NUMBERS or connection.connection is not taken or not connection.is_usable()


def is_too_much(connection: Any, rows: Collection[Row]) -> bool:
    """Return True if *rows*, over which *connection* was lost, may be the reason, since the server still answers."""
    if connection.in_atomic_block or not may_be_too_much(rows):
        return False
    try:
        connection.close()
        connection.ensure_connection()
    except (OperationalError, InterfaceError):
        return False
    return bool(connection.is_usable())


def leave_replica(connection: Any, error: Exception) -> None:
    """Close *connection* if *error*, Django's, says that its server takes no writes, unless a block holds it.

    The server was the primary when the connection was made, and may be a replica now. For Django, a connection
    that can read is usable, and is kept, perhaps for ever.
    """
    if not is_read_only(error.__cause__) or connection.in_atomic_block or connection.connection is None:
        return
    if getattr(connection, "pool", None) is not None:  # which would lend it to the next one
        connection.connection.close()
    connection.close()
