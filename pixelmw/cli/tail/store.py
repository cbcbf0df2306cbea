"""What the followers of both kinds of store share: how a file is opened, and how it is told from another."""

from __future__ import annotations

import os
import stat
from pathlib import Path

# What every SQLite database begins with: https://sqlite.org/fileformat.html, section 1.3.
_SQLITE_HEADER = b"SQLite format 3\0"


def open_regular(path: Path) -> int:
    """Open the file at *path* for reading; returns its descriptor.

    A link is followed. What is no regular file is refused: a pipe would make us
    wait, and a device such as ``/dev/zero`` has no end.

    :raises OSError: if it cannot be opened.
    :raises ValueError: if it is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # of a pipe, O_NONBLOCK opens it at once
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(f"{path} is no regular file: give an SQLite database or a file of JSON lines")
    return descriptor


def is_sqlite(path: Path) -> bool:
    """Whether the file at *path* is an SQLite database; raises as :func:`open_regular` does."""
    descriptor = open_regular(path)
    try:
        return os.pread(descriptor, len(_SQLITE_HEADER), 0) == _SQLITE_HEADER
    finally:
        os.close(descriptor)


def leads_to(path: Path, file: os.stat_result) -> bool | None:
    """Whether *path* leads to *file*; ``None`` if it leads to nothing."""
    try:
        return os.path.samestat(path.stat(), file)
    except OSError:
        return None
