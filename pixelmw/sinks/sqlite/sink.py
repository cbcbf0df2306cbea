"""A sink that stores events in an SQLite database."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from ...events import Event
from ..base import BatchSink, PartialFailure, Undeliverable
from ..encoding import encode_each
from ..repeats import RepeatCounter, StoreStats
from ..rows import Row, row_of
from ..together import alone, waiting
from .connection import FairConnection, connect
from .errors import ROW_ERRORS, file_error, row_error
from .insert import insert_all, insert_one_by_one


class SQLite(BatchSink):
    """Stores each event as a row of the table ``events``, committed to stable storage when the call returns.

    The columns are ``message_id`` (the primary key), ``type``, ``event``,
    ``user_id``, ``anonymous_id``, ``received_at`` and ``body``, the whole event
    as JSON. A repeated messageId is stored once: the first event stays, and :meth:`stats` counts the others.

    Threads and processes may share one file, on a local file system. Threads
    that store at the same time share one transaction; an event that the
    database refuses fails alone. The first event opens the connection. It is
    closed before a fork and opened again in parent and child. It is also opened
    again after an error of the file, and after the file was moved away. (Move or
    delete the file together with its ``-wal`` and ``-shm``, which hold what was
    stored last.) As a context manager, the sink opens the file at once, so that
    a wrong path shows at the start.

    :param path: the database. It is created if it is missing; its directory is not.
    :param timeout: seconds to wait for another process that has locked it, in all of a call.
    :raises Unavailable: when called, if the file cannot be used now: it is locked, away, read-only, no database.
    :raises OSError: when called, if the disk is full.
    :raises Undeliverable: when called, if the event is not JSON or has no messageId, or the database refuses it.
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout: float = 5.0) -> None:
        self.path = Path(path).absolute()
        self.timeout = timeout
        self._connection: FairConnection | None = None
        self._pid = 0  # the process that opened the connection
        self._file: os.stat_result | None = None  # the file it was opened on
        self._repeats = RepeatCounter()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def waiting(self) -> int:
        """How many calls of this process wait for the one under way, to share the next one."""
        return waiting(self)

    def write(self, events: Sequence[Event]) -> None:
        """Store *events* in one transaction.

        :raises PartialFailure: for events without a messageId, those that are
            not JSON, and those that the database refuses; all others are stored.
        :raises Unavailable: if none is stored, since the file cannot be used now.
        :raises OSError: if none is stored, since the disk is full.
        """
        rows, refused = encode_each(row_of, events)
        failures: dict[int, Exception | None] = {**refused}
        if rows:
            try:
                failures |= {**self._insert(rows)}
            except sqlite3.Error as error:
                raise file_error(self.path, error) from error
        if failures:
            raise PartialFailure(failures)

    def stats(self) -> StoreStats:
        """Return the figures of this process; :class:`StoreStats` says what each means."""
        return self._repeats.stats()

    def close(self, timeout: float | None = None) -> None:
        """Close the connection; the next event opens another.

        :raises Unavailable: if it is in use for longer than *timeout* seconds.
        """
        self._close()

    def __enter__(self) -> Self:
        with alone(self):
            self._open()
        return self

    def _insert(self, rows: Mapping[int, Row]) -> dict[int, Undeliverable]:
        """Insert *rows*; returns what the database refused, by the place of the row."""
        try:
            connection = self._open()
            refused: dict[int, sqlite3.Error] = {}
            try:
                repeated = insert_all(connection, list(rows.values()))
            except ROW_ERRORS:
                connection.rollback()
                refused, repeated = insert_one_by_one(connection, rows)
        except BaseException:
            # Whatever the error was, Ctrl-C included, the next call must not find a transaction that was begun.
            self._close()
            raise
        self._repeats.add(repeated)
        return {place: row_error(self.path, error) for place, error in refused.items()}

    def _open(self) -> FairConnection:
        deadline = time.monotonic() + self.timeout
        if self._connection is not None and (self._pid != os.getpid() or self._was_replaced()):
            # A child closes what it inherited, also if the server forked without Python's hooks. SQLite advises
            # against that. But it would be worse to keep it open: SQLite would count the parent's locks as the
            # child's own.
            self._close()
        if self._connection is None:
            self._connection, self._file = connect(self.path, deadline)
            self._pid = os.getpid()
        self._connection.deadline = deadline
        return self._connection

    def _was_replaced(self) -> bool:
        """Return True if the path no longer leads to the open file: what is written to a deleted file is lost."""
        try:
            return self._file is None or not os.path.samestat(self._file, self.path.stat())
        except OSError:
            return True

    def _close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    _before_fork = _close
