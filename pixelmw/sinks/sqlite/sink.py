"""A sink that stores events in an SQLite database."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Self

from ...events import Event
from ...system.fork import ForkSafeLock
from ...system.groupcommit import GroupCommit
from ..base import BatchSink, PartialFailure
from ..encoding import prepare
from ..rows import COLUMNS, Row, row_of

_CREATE = """
CREATE TABLE IF NOT EXISTS events (
    message_id TEXT PRIMARY KEY NOT NULL,
    type TEXT,
    event TEXT,
    user_id TEXT,
    anonymous_id TEXT,
    received_at TEXT,
    body TEXT NOT NULL CHECK (json_valid(body))
)
"""
_WIDTH = len(COLUMNS)
# Every build of SQLite takes so many variables in a statement. Most take 32,766, which is no faster, and the statements
# that a connection keeps ready would need 400 MB.
_VARIABLES = 999
# What a row may be at fault for; any other error is the file's.
_REFUSED = (sqlite3.IntegrityError, sqlite3.DataError)
_FULL = 2


class SQLite(BatchSink):
    """Stores each event as a row of the table ``events``, committed to stable storage when it returns.

    The columns are ``message_id`` (the primary key), ``type``, ``event``,
    ``user_id``, ``anonymous_id``, ``received_at`` and ``body``, the whole event
    as JSON. An event whose messageId is there already is stored once: the
    first stays.

    Threads and processes may share one file, on a local file system. Threads
    that store at the same time share one transaction, in which an event that
    the database refuses fails alone. The connection is opened with the first
    event, closed before a fork and opened anew on either side, after an error
    of the file, and where the file was moved away. (Move or delete it together
    with its ``-wal`` and ``-shm``, which hold what was stored last.) As a context
    manager it opens the file at once, so that a wrong path shows at the start.

    :param path: the database; created where it is missing, its directory is not.
    :param timeout: seconds to wait for another process that has locked it.
    :raises sqlite3.Error: when called, where the event could not be stored.
    :raises ValueError: when called, for an event without a messageId.
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout: float = 5.0) -> None:
        self.path = Path(path).absolute()
        self.timeout = timeout
        self._connection: sqlite3.Connection | None = None
        self._owner = 0  # the process that opened the connection
        self._file: os.stat_result | None = None  # the file it was opened on
        self._lock = ForkSafeLock(before_fork=self._close)
        self._group: GroupCommit[dict[int, Row]] = GroupCommit(self._commit, lock=self._lock, timeout=timeout)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def write(self, events: Sequence[Event]) -> None:
        """Store *events* in one transaction, which others may share.

        :raises PartialFailure: for events without a messageId, those that are
            not JSON, and those that the database refuses; all others are stored.
        :raises sqlite3.Error: where none is known to be stored.
        """
        rows, failures = prepare(row_of, events)
        refused: Mapping[int, Exception | None] = {}
        try:
            if rows:
                self._group(rows)
        except PartialFailure as failure:
            refused = failure.failures
        except TimeoutError as error:
            raise self._busy(self.timeout) from error
        if failures or refused:
            raise PartialFailure({**failures, **refused})

    def close(self, timeout: float | None = None) -> None:
        """Close the connection; the next event opens another.

        :raises sqlite3.OperationalError: where it is in use for longer than *timeout* seconds.
        """
        if not self._lock.acquire(-1 if timeout is None else timeout):
            raise self._busy(timeout)
        try:
            self._close()
        finally:
            self._lock.release()

    def __enter__(self) -> Self:
        with self._lock:
            self._open()
        return self

    def _busy(self, seconds: float | None) -> sqlite3.OperationalError:
        return sqlite3.OperationalError(f"{self.path} was busy for {seconds} seconds")

    def _commit(self, batch: list[dict[int, Row]]) -> Mapping[int, PartialFailure]:
        """Store what several calls want stored; returns what the database refused, by their place in the batch."""
        try:
            connection = self._open()
            try:
                _insert(connection, list(chain.from_iterable(rows.values() for rows in batch)))
            except _REFUSED:
                connection.rollback()
                return _insert_one_by_one(connection, batch)
        except BaseException:
            # Whatever it was, Ctrl-C included, nobody is to find a transaction that was begun.
            self._close()
            raise
        return {}

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and (self._owner != os.getpid() or self._moved()):
            # Also where a server forked past Python's hooks. SQLite advises against a child's closing what it
            # inherited, but to keep it open is worse: SQLite would count the parent's locks as the child's own.
            # The lock is held, so that the connection was idle when it was inherited.
            self._close()
        if self._connection is None:
            self._connection, self._file = _connect(self.path, self.timeout)
            self._owner = os.getpid()
        return self._connection

    def _moved(self) -> bool:
        """Whether the path leads elsewhere by now: what is written to a deleted file is not stored."""
        try:
            return self._file is None or not os.path.samestat(self._file, self.path.stat())
        except OSError:
            return True

    def _close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


def _connect(path: Path, timeout: float) -> tuple[sqlite3.Connection, os.stat_result]:
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, timeout)
        return connection, path.stat()
    except BaseException:
        connection.close()
        raise


def _prepare(connection: sqlite3.Connection, timeout: float) -> None:
    """Turn on what makes a commit last, and make sure that it is on."""
    if (mode := _enable_wal(connection, timeout)) != "wal":
        raise sqlite3.OperationalError(f"the journal mode stays {mode!r}; WAL needs a local file system")
    connection.execute("PRAGMA synchronous = FULL")
    (level,) = connection.execute("PRAGMA synchronous").fetchone()
    if level != _FULL:
        raise sqlite3.OperationalError(f"synchronous stays {level}; a commit would not outlive a power cut")
    connection.execute(_CREATE)


def _enable_wal(connection: sqlite3.Connection, timeout: float) -> str:
    # SQLite does not wait for the lock that this needs, so processes that start together have to.
    deadline = time.monotonic() + timeout
    while True:
        try:
            mode: str = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            return mode
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _insert(connection: sqlite3.Connection, rows: list[Row]) -> None:
    """Insert all of *rows* or none; after an error there may be a transaction left to roll back."""
    # A statement is one call into SQLite, during which other threads run; executemany makes one for each row.
    most = min(_VARIABLES, connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)) // _WIDTH
    if len(rows) <= most:
        connection.execute(_statement(len(rows)), list(chain.from_iterable(rows)))
        return
    connection.execute("BEGIN IMMEDIATE")
    for start in range(0, len(rows), most):
        chunk = rows[start : start + most]
        connection.execute(_statement(len(chunk)), list(chain.from_iterable(chunk)))
    connection.execute("COMMIT")


def _insert_one_by_one(connection: sqlite3.Connection, batch: list[dict[int, Row]]) -> dict[int, PartialFailure]:
    """Insert in one transaction what the database does not refuse, and return what it does."""
    failures: dict[int, PartialFailure] = {}
    connection.execute("BEGIN IMMEDIATE")
    for number, rows in enumerate(batch):
        refused: dict[int, Exception] = {}
        for place, row in rows.items():
            try:
                connection.execute(_statement(1), row)
            except _REFUSED as error:
                if not connection.in_transaction:  # a trigger may roll back more than its row
                    raise
                refused[place] = error
        if refused:
            failures[number] = PartialFailure(refused)
    connection.execute("COMMIT")
    return failures


@cache
def _statement(rows: int) -> str:
    row = f"({', '.join('?' * _WIDTH)})"
    values = ", ".join([row] * rows)
    return f"INSERT INTO events VALUES {values} ON CONFLICT (message_id) DO NOTHING"  # noqa: S608 - question marks
