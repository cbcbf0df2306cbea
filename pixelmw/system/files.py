"""Files: data and names that survive a power cut, and locks between processes."""

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

#: Writes a file's data to stable storage, with as much of its metadata, such as the size, as reading it back needs.
sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


def sync_directory(path: Path) -> None:
    """Write the names in a directory to stable storage. Without this, a new file may be gone after a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(descriptor: int) -> Iterator[None]:
    """Hold a file's lock within the block, see :func:`lock_file`."""
    lock_file(descriptor)
    try:
        yield
    finally:
        unlock_file(descriptor)


def lock_file(descriptor: int) -> None:
    """Lock the file, waiting until it is free.

    The lock excludes other processes, and other descriptors of the file in this process (flock(2)).
    """
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_to_lock_file(descriptor: int) -> bool:
    """Lock the file unless somebody else has, without waiting; returns True if it is now locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock_file(descriptor: int) -> None:
    """Release the lock of :func:`lock_file` or :func:`try_to_lock_file`."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def require_file_locks(user: str) -> None:
    """Raise if this system cannot lock files.

    :param user: what needs the locks, for the message.
    :raises RuntimeError: on a system without ``fcntl``, such as Windows.
    """
    if not HAS_FILE_LOCKS:
        raise RuntimeError(f"{user} locks files with fcntl, which this system does not have: it needs Linux or macOS")
