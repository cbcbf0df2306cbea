"""Files: data and names that survive a power cut, and locks between processes."""

from __future__ import annotations

import os
from pathlib import Path

from .deadline import Deadline
from .threads import pause

try:
    import fcntl
except ImportError:  # Windows
    HAS_FILE_LOCKS = False
else:
    HAS_FILE_LOCKS = True

# Seconds between two tries for a lock that somebody else has; they double. Who has it wants to write and sync, which
# takes a millisecond or less on a fast disk, and each try costs other threads a turn of the GIL.
_FIRST_LOCK_PAUSE, _MAX_LOCK_PAUSE = 0.0005, 0.01

#: Writes a file's data to stable storage, with as much of its metadata, such as the size, as reading it back needs.
sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


def sync_directory(path: Path) -> None:
    """Write the names in a directory to stable storage. Without this, a new file may be gone after a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_to_lock_file(descriptor: int) -> bool:
    """Lock the file unless somebody else has, without waiting; returns True if it is now locked.

    The lock excludes other processes, and other descriptors of the file in this process (flock(2)).
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_file_within(descriptor: int, seconds: float) -> bool:
    """Lock the file as soon as it is free; returns False if it was not within *seconds*."""
    return lock_file_until(descriptor, Deadline(seconds))


def lock_file_until(descriptor: int, deadline: Deadline, max_pause: float = _MAX_LOCK_PAUSE) -> bool:
    """Do the same until *deadline*.

    There is no call that waits that long. The pauses between the tries leave gevent's hub free.

    :param max_pause: seconds between two tries; the first ones follow each other sooner.
    """
    next_pause = _FIRST_LOCK_PAUSE
    while not try_to_lock_file(descriptor):
        if deadline.is_over():
            return False
        pause(next_pause)
        next_pause = min(2 * next_pause, max_pause)
    return True


def unlock_file(descriptor: int) -> None:
    """Release the lock of :func:`try_to_lock_file`, or of one of those that wait."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def require_file_locks(user: str) -> None:
    """Raise if this system cannot lock files.

    :param user: what needs the locks, for the message.
    :raises RuntimeError: on a system without ``fcntl``, such as Windows.
    """
    if not HAS_FILE_LOCKS:
        raise RuntimeError(f"{user} locks files with fcntl, which this system does not have: it needs Linux or macOS")
