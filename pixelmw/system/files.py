"""What the standard library leaves to say about files that must outlive a power cut."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    HAS_FILE_LOCKS = False
else:
    HAS_FILE_LOCKS = True

#: Puts a file's data on stable storage, and so much of what is known about it as is needed to read it back.
sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


def sync_directory(path: Path) -> None:
    """Make sure that the names in a directory outlive a power cut, before anything is acknowledged in a new file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(descriptor: int) -> Iterator[None]:
    """Hold a file's lock within the block, against other processes and against other descriptors of this one."""
    lock_file(descriptor)
    try:
        yield
    finally:
        unlock_file(descriptor)


def lock_file(descriptor: int) -> None:
    """Wait until the file is locked, against other processes and against other descriptors of this one."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_to_lock_file(descriptor: int) -> bool:
    """Lock the file if nobody else has, without waiting; returns True if it is locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock_file(descriptor: int) -> None:
    """Undo what :func:`lock_file` or :func:`try_to_lock_file` did."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def require_file_locks(user: str) -> None:
    """Raise if this system cannot lock files.

    :param user: what needs the locks, for the message.
    :raises RuntimeError: on a system without ``fcntl``, such as Windows.
    """
    if not HAS_FILE_LOCKS:
        raise RuntimeError(f"{user} locks files with fcntl, which this system does not have: it needs Linux or macOS")
