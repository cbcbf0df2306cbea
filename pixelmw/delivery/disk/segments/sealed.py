"""The reading end of a segment: seals it, reads what it holds, and removes it when all of that is forwarded."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import NamedTuple

from ....system.files import lock_file_within, try_to_lock_file, unlock_file
from ....system.fork import tell_children
from ..directory import SpoolDirectory
from ..open_directory import OpenDirectory
from ..records import ends_whole
from .name import MAX_SEGMENT_BYTES, Segment

# A file is being copied here (rule 8) if something was written to it within so many seconds, ...
_SETTLED = 5.0
# ... and its name says that it was begun so many seconds before that. While events are forwarded, no writer stays so
# long in a segment.
_LONG_AGO = 10.0


class _Locked:
    """The descriptors under which this process takes the locks of segments, for a moment each.

    A child that is forked in that moment would keep the lock, if this process died before it gave it back. So each
    child closes them: the threads that use them do not exist there.
    """

    def __init__(self) -> None:
        self._descriptors: set[int] = set()
        tell_children(self)

    @contextmanager
    def opened(self, directory: OpenDirectory, segment: Segment) -> Iterator[int]:
        """Open *segment* for reading.

        :raises FileNotFoundError: if it is gone.
        """
        descriptor = directory.open(segment.name, os.O_RDONLY)
        self._descriptors.add(descriptor)
        try:
            yield descriptor
        finally:
            self._descriptors.discard(descriptor)
            os.close(descriptor)

    def begin_child(self) -> None:
        """Close them."""
        while self._descriptors:
            with suppress(OSError):
                os.close(self._descriptors.pop())


_locked = _Locked()


class Sealed(NamedTuple):
    """What a segment held when it was sealed."""

    data: bytes  # from the offset on that was asked for
    holds: bool  # False if the file system does not keep the mode, so that the writer may go on there


class Removal(Enum):
    """What came of an attempt to remove a segment."""

    GONE = "it is not there any more"
    GROWN = "something was appended since it was read"
    LOCKED = "another process holds its lock, or copies it here"


def read_from(directory: SpoolDirectory, segment: Segment, offset: int, most: int = MAX_SEGMENT_BYTES) -> bytes:
    """Return what *segment* holds from *offset* on, at most so many bytes, without sealing it.

    The last record may be incomplete.
    """
    with directory.open() as opened, os.fdopen(opened.open(segment.name, os.O_RDONLY), "rb") as file:
        _check_size(os.fstat(file.fileno()))
        file.seek(offset)
        return file.read(most)


def _check_size(status: os.stat_result) -> None:
    if status.st_size > MAX_SEGMENT_BYTES:
        raise OSError(errno.EFBIG, f"it has {status.st_size} bytes, and no segment has so many")


def seal(directory: SpoolDirectory, segment: Segment, start: int, *, patience: float) -> Sealed | None:
    """Ask the writer of *segment* to go on elsewhere, and read what it has written.

    :param start: the offset to read from.
    :param patience: seconds to wait for the segment's lock, at most: once before the seal is set, and once after.
    :returns: ``None`` if another process holds the lock, or has copied only a part of the file. The seal is set all the
        same.
    :raises FileNotFoundError: if the segment is gone.
    :raises OSError: if it cannot be read, or is larger than any segment: then it is left as it is.
    """
    with directory.open() as opened, _locked.opened(opened, segment) as descriptor:
        _check_size(os.fstat(descriptor))
        is_locked = lock_file_within(descriptor, patience)
        # Also without the lock: a busy writer sees it when it takes the lock next, and leaves for good.
        with suppress(OSError):  # some file systems refuse; the look at the mode shows if the seal holds
            os.fchmod(descriptor, stat.S_IRUSR)
        if not is_locked and not lock_file_within(descriptor, patience):
            return None
        status = os.fstat(descriptor)
        unlock_file(descriptor)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            file.seek(start)
            # Not more than the file held under the lock: if the seal does not hold, the writer may be writing now.
            _check_size(status)
            data = file.read(max(0, status.st_size - start))
        if not ends_whole(data) and _is_being_copied(segment, status):
            return None
        return Sealed(data, not status.st_mode & stat.S_IWUSR)


def remove_read(directory: SpoolDirectory, segment: Segment, size: int) -> Removal:
    """Delete *segment*, of which *size* bytes have been read and forwarded, unless it has grown since."""
    with suppress(FileNotFoundError), directory.open() as opened, _locked.opened(opened, segment) as descriptor:
        if not try_to_lock_file(descriptor):
            return Removal.LOCKED
        # Its writer looks for the name under this lock, and does not write without it.
        try:
            status = os.fstat(descriptor)
            if status.st_size > size:
                return Removal.GROWN
            if _is_being_copied(segment, status):
                return Removal.LOCKED
            opened.remove(segment.name)
            opened.remove(segment.cursor_name)
        finally:
            unlock_file(descriptor)
    return Removal.GONE


def _is_being_copied(segment: Segment, status: os.stat_result) -> bool:
    """Rule 8: return True if somebody may be writing an old segment."""
    is_old = status.st_mtime - segment.created_ms / 1000 > _LONG_AGO
    return is_old and 0 <= time.time() - status.st_mtime < _SETTLED
