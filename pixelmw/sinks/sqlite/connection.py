"""A connection to an SQLite database: how it is opened, and what makes its commits last."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

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
_SYNCHRONOUS_FULL = 2  # the number that SQLite has for it
_PRIMARY_CODE = 0xFF  # of an error code; the other bits say more about it: https://sqlite.org/rescode.html
# SQLite looks at a lock after 1, 2 and 5 milliseconds, and then more and more seldom, down to every tenth of a second.
# A process that stores without a break leaves the lock free for less than a millisecond at a time. So the statement is
# begun anew after the first looks. Measured as the longest wait of eight such processes in 10 seconds, on two cores
# that had other work too: 3.6 and 4.9 seconds before, 1.7 and 0.8 with this, with as many commits.
_SQLITE_TIMEOUT = 0.008  # seconds
_PAUSE = 0.001  # seconds between two tries, since SQLite does not wait at all for some locks


class FairConnection(sqlite3.Connection):
    """A connection that gets its turn also beside processes that store without a break.

    SQLite does not wait for some locks, for instance when it switches to WAL. This connection waits for each.

    :ivar deadline: until when a statement waits for other processes, on the monotonic clock.
    """

    deadline = 0.0

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Execute a statement. If other processes have locked the database, it has done nothing, and is tried again.

        :raises sqlite3.OperationalError: if the database was locked until :attr:`deadline`.
        """
        while True:
            try:
                return super().execute(sql, parameters)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY or time.monotonic() > self.deadline:
                    raise
            time.sleep(_PAUSE)


def connect(path: Path, deadline: float) -> tuple[FairConnection, os.stat_result]:
    """Open the database at *path*, with its table.

    :param deadline: until when to wait for another process that has locked the database, on the monotonic clock.
    :returns: the connection, and the file that it was opened on.
    :raises sqlite3.Error: if it cannot be opened, or its commits would not last.
    """
    connection = sqlite3.connect(
        path, timeout=_SQLITE_TIMEOUT, isolation_level=None, check_same_thread=False, factory=FairConnection
    )
    connection.deadline = deadline
    try:
        make_durable(connection)
        connection.execute(_CREATE)
        return connection, path.stat()
    except BaseException:
        connection.close()
        raise


def make_durable(connection: sqlite3.Connection) -> None:
    """Turn on what makes a commit outlive a power cut, and check that it is on.

    That is the write-ahead log and ``synchronous = FULL``: https://sqlite.org/pragma.html#pragma_synchronous.

    :raises sqlite3.OperationalError: if it stays off.
    """
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise sqlite3.OperationalError(f"the journal mode stays {mode!r}; WAL needs a local file system")
    connection.execute("PRAGMA synchronous = FULL")
    (level,) = connection.execute("PRAGMA synchronous").fetchone()
    if level != _SYNCHRONOUS_FULL:
        raise sqlite3.OperationalError(f"synchronous stays {level}; a commit would not outlive a power cut")
