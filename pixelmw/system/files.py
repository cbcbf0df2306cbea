"""What the standard library leaves to say about files that must outlive a power cut."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    """Hold a file's lock, against other processes and against other descriptors of this one."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
