"""A sink that stores events in an SQLite database."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from ..events import Event
from ..forksafe import ForkSafeLock

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
_INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (message_id) DO NOTHING"
_COLUMNS = ("messageId", "type", "event", "userId", "anonymousId", "receivedAt")
_FULL = 2


class SQLite:
    """Stores each event as a row of the table ``events``, committed to stable storage when it returns.

    The columns are ``message_id`` (the primary key), ``type``, ``event``,
    ``user_id``, ``anonymous_id``, ``received_at`` and ``body``, the whole event
    as JSON. An event whose messageId is there already is stored once: the
    first stays.

    Threads and processes may share one file, on a local file system. The
    connection is opened with the first event, closed before a fork and opened
    anew on either side, after any error, and where the file was moved away.
    (Move or delete it together with its ``-wal`` and ``-shm``, which hold what
    was stored last.) As a context manager it opens the file at once, so that a
    wrong path shows at the start.

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

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def __call__(self, event: Event) -> None:
        if not event.get("messageId"):
            raise ValueError("an event needs a messageId to be stored once")
        body = json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        row = (*(_column(event.get(name)) for name in _COLUMNS), body)
        if not self._lock.acquire(self.timeout):
            raise sqlite3.OperationalError(f"{self.path} was busy for {self.timeout} seconds")
        try:
            self._open().execute(_INSERT, row)
        except sqlite3.Error:
            self._close()
            raise
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the connection; the next event opens another."""
        with self._lock:
            self._close()

    def __enter__(self) -> SQLite:
        with self._lock:
            self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

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


def _column(value: Any) -> str | None:
    """*value* for a text column; a schema of the user's may have made it something else."""
    return value if value is None or isinstance(value, str) else json.dumps(value)
