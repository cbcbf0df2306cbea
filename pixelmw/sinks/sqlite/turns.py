"""Turns between the processes that write to one database, where SQLite's own locks are not enough.

Up to version 3.51.2, SQLite has a bug that can lose a committed transaction and
damage the database: https://sqlite.org/wal.html#walresetbug. A process begins a
checkpoint just after another one has ended. If a third one commits at that
moment, and its transaction begins the write-ahead log anew, the checkpoint may
not see that, and notes that a part of the new log has been copied. That part is
then never copied.

A checkpoint is a part of a commit. So the bug needs two commits at the same time,
and with these versions each process locks the directory of the database around a
transaction and its checkpoint. Only the last connection makes a checkpoint when it is closed.
SQLite locks the whole file for that, so that needs no turn.

The lock is one of the directory, since the database itself must not be opened
past SQLite: closing any descriptor of a file gives back all of SQLite's own
locks of it (https://sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...system.deadline import Deadline
from ...system.files import HAS_FILE_LOCKS, lock_file_until, unlock_file
from ..errors import Unavailable


def has_reset_bug(version: tuple[int, ...]) -> bool:
    """Return True if this version of SQLite has the bug; 3.44.6 and 3.50.7 were mended, too."""
    mended = (3, 44, 6) <= version < (3, 45) or (3, 50, 7) <= version < (3, 51)
    return version < (3, 51, 3) and not mended


# Seconds between two looks whether it is one's turn. With pauses of up to ten milliseconds, the unluckiest of eight
# processes that store without a break stored a 25th of what the luckiest one did; with this, a third, as without turns.
_MAX_PAUSE = 0.001
NEEDS_TURNS = HAS_FILE_LOCKS and has_reset_bug(sqlite3.sqlite_version_info)


@contextmanager
def turn(path: Path, deadline: Deadline) -> Iterator[None]:
    """Keep other processes from writing to the database within the block, if the version of SQLite needs that.

    No fork happens meanwhile, since this is within a turn of the sink: a child would inherit the lock.

    :raises Unavailable: if another process had its turn until *deadline*.
    :raises OSError: if the directory cannot be locked.
    """
    descriptor = _open_directory(path) if NEEDS_TURNS else None
    if descriptor is None:
        yield
        return
    try:
        if not lock_file_until(descriptor, deadline, _MAX_PAUSE):
            raise Unavailable(f"{path}: other processes kept the database locked")
        try:
            yield
        finally:
            unlock_file(descriptor)
    finally:
        os.close(descriptor)


def _open_directory(path: Path) -> int | None:
    # SQLite, too, follows a link to the database. The system follows those within the path.
    directory = Path(os.path.realpath(path)).parent if path.is_symlink() else path.parent
    try:
        return os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return None  # there is no database to write to, as SQLite will say
