"""A connection to an SQLite database: how it is opened, and what makes its commits last."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...system.deadline import Deadline
from ...system.threads import pause
from ..local_files import create_file, why_unusable
from ..rows import COLUMNS
from .errors import primary_code
from .insert import compile_insert

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
#: What SQLite adds to the name of the database for the files that it creates beside it.
FILES_BESIDE = ("-wal", "-shm")
_SYNCHRONOUS_FULL = 2  # the number that SQLite has for it
# SQLite looks at a lock after 1, 2 and 5 milliseconds, and then more and more seldom, down to every tenth of a second.
# A process that stores without a break leaves the lock free for less than a millisecond at a time. So the statement is
# begun anew after the first looks. Measured as the longest wait of eight such processes in 10 seconds, on two cores
# that had other work too: 3.6 and 4.9 seconds before, 1.7 and 0.8 with this, with as many commits.
_SQLITE_TIMEOUT = 0.008  # seconds
_PAUSE = 0.001  # seconds between two tries, since SQLite does not wait at all for some locks


class FairConnection(sqlite3.Connection):
    """A connection that gets its turn also beside processes that store without a break.

    SQLite does not wait for some locks, for instance when it switches to WAL. This connection waits for each.

    :ivar deadline: until when a statement waits for other processes.
    """

    deadline = Deadline(0)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Execute a statement. If other processes have locked the database, it has done nothing, and is tried again.

        :raises sqlite3.OperationalError: if the database was locked until :attr:`deadline`.
        """
        while True:
            try:
                return super().execute(sql, parameters)
            except sqlite3.OperationalError as error:
                if primary_code(error) != sqlite3.SQLITE_BUSY or self.deadline.is_over():
                    raise
            pause(_PAUSE)


def connect(path: Path, mode: int, deadline: Deadline) -> tuple[FairConnection, os.stat_result]:
    """Open the database at *path*, with its table.

    :param mode: of the file, if it is created. SQLite gives the same one to the files that it creates beside it.
    :param deadline: until when to wait for another process that has locked the database.
    :returns: the connection, and the file that it was opened on.
    :raises sqlite3.Error: if it cannot be opened, if its table does not take events, or if its commits would not last.
    """
    with suppress(OSError):  # it is there; or it cannot be created, as SQLite will say
        # Closing it would give back the locks that SQLite has on it, but nobody has opened it yet.
        os.close(create_file(path, mode))
    try:
        return _open(path, deadline)
    except sqlite3.OperationalError as error:
        if primary_code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        reason = why_unusable(path, beside=FILES_BESIDE)
        raise sqlite3.OperationalError(f"{error}: {reason}" if reason else str(error)) from error


def _open(path: Path, deadline: Deadline) -> tuple[FairConnection, os.stat_result]:
    connection = sqlite3.connect(
        path, timeout=_SQLITE_TIMEOUT, isolation_level=None, check_same_thread=False, factory=FairConnection
    )
    connection.deadline = deadline
    try:
        make_durable(connection)
        connection.execute(_CREATE)
        _check_table(connection)
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


def _check_table(connection: sqlite3.Connection) -> None:
    """Check that the table, which may be of the user's own making, takes events.

    :raises sqlite3.OperationalError: if it lacks a column or the key, or if another column needs a value.
    """
    try:
        compile_insert(connection)
    except sqlite3.OperationalError as error:
        needs = f"it needs the columns {', '.join(COLUMNS)}, and message_id as a key"
        raise sqlite3.OperationalError(f"the table events takes no events: {error}; {needs}") from error
    others = [
        name
        for _, name, _, is_not_null, default, is_key in connection.execute("PRAGMA table_info(events)")
        if is_not_null and default is None and not is_key and name.lower() not in COLUMNS
    ]
    if others:
        raise sqlite3.OperationalError(
            f"the table events takes no events: no event has a value for {', '.join(others)}, which may not be NULL"
        )
