"""A connection to an SQLite database: how it is opened, and what makes its commits last."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

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
_WAL_PAUSE = 0.01  # seconds between two tries to switch to WAL


def connect(path: Path, timeout: float) -> tuple[sqlite3.Connection, os.stat_result]:
    """Open the database at *path*, with its table.

    :param timeout: seconds to wait for another process that has locked the database.
    :returns: the connection, and the file that it was opened on.
    :raises sqlite3.Error: if it cannot be opened, or its commits would not last.
    """
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        make_durable(connection, timeout)
        connection.execute(_CREATE)
        return connection, path.stat()
    except BaseException:
        connection.close()
        raise


def make_durable(connection: sqlite3.Connection, timeout: float) -> None:
    """Turn on what makes a commit outlive a power cut, and check that it is on.

    That is the write-ahead log and ``synchronous = FULL``: https://sqlite.org/pragma.html#pragma_synchronous.

    :raises sqlite3.OperationalError: if it stays off.
    """
    if (mode := _enable_wal(connection, timeout)) != "wal":
        raise sqlite3.OperationalError(f"the journal mode stays {mode!r}; WAL needs a local file system")
    connection.execute("PRAGMA synchronous = FULL")
    (level,) = connection.execute("PRAGMA synchronous").fetchone()
    if level != _SYNCHRONOUS_FULL:
        raise sqlite3.OperationalError(f"synchronous stays {level}; a commit would not outlive a power cut")


def _enable_wal(connection: sqlite3.Connection, timeout: float) -> str:
    # Switching to WAL needs a lock for which SQLite does not wait, so processes that start together have to.
    deadline = time.monotonic() + timeout
    while True:
        try:
            mode: str = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            return mode
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_WAL_PAUSE)
