"""The writing end of a segment: appends to it under its lock, until it is sealed, full or broken."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress

from ....system.files import lock_file_within, sync_data, unlock_file
from ....system.threads import outside_gevent
from ..directory import SpoolDirectory
from .name import Segment

# A busy writer gives a segment's lock back at least this often, so that the forwarding process can take it.
_MAX_LOCK_SECONDS = 0.25
# The forwarding process holds the lock for a few calls of the system. If it is stopped meanwhile, visitors must not
# wait for it: the writer goes on in a new segment.
_LOCK_PATIENCE = 0.1


class SegmentWriter:
    """A new segment that this process writes; the protocol stands in :mod:`pixelmw.delivery.disk.segments`.

    :ivar size: bytes that are acknowledged; the file has not more than these between two commits.
    """

    __slots__ = ("_descriptor", "_directory", "_locked_until", "_path", "_segment", "_sync", "_sync_new", "size")

    def __init__(self, directory: SpoolDirectory, segment: Segment) -> None:
        self.size = 0
        self._directory = directory
        self._segment = segment
        self._path = f"{directory.path}{os.sep}{segment.name}"  # made once: each commit needs it
        self._locked_until = 0.0  # on the monotonic clock; zero while it is not locked
        self._sync, self._sync_new = outside_gevent(sync_data), outside_gevent(os.fsync)
        with directory.open() as opened:
            self._descriptor = opened.create(segment.name, os.O_WRONLY | os.O_APPEND)

    def lock(self) -> bool:
        """Take the segment's lock, unless this writer has it already; returns False if it must not append there."""
        if not self._locked_until:
            if not lock_file_within(self._descriptor, _LOCK_PATIENCE):
                return False
            self._locked_until = time.monotonic() + _MAX_LOCK_SECONDS
            return self._may_append()
        return True

    def _may_append(self) -> bool:
        """Return True if nobody has sealed, moved or changed the segment since this writer left it."""
        status = os.fstat(self._descriptor)
        try:
            named = os.lstat(self._path)
        except OSError:
            return False
        sealed = not status.st_mode & stat.S_IWUSR
        return not sealed and status.st_size == self.size and os.path.samestat(status, named)

    def is_deleted(self) -> bool:
        """Return True if the file has no name any more: all of it is forwarded."""
        return not os.fstat(self._descriptor).st_nlink

    def append(self, data: bytes) -> None:
        """Append *data*; if that fails, cut the file back to the size that it had."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BaseException:
            os.ftruncate(self._descriptor, self.size)
            raise

    def make_durable(self) -> None:
        """Put what was appended on stable storage, and the name of a new segment too."""
        if self.size:
            self._sync(self._descriptor)
        else:
            self._sync_new(self._descriptor)
            with self._directory.open() as opened:
                opened.sync()

    def release(self, *, another_commit_waits: bool) -> None:
        """Give the lock back, unless another commit follows at once: each call may cost a turn of the GIL."""
        if self._locked_until and (not another_commit_waits or time.monotonic() > self._locked_until):
            self._locked_until = 0.0
            unlock_file(self._descriptor)

    def close(self) -> None:
        """Close the file, which gives its lock back."""
        with suppress(OSError):  # nothing is pending: what was acknowledged has been synced
            os.close(self._descriptor)

    def discard(self) -> None:
        """Delete the file: nothing in it was acknowledged."""
        with suppress(OSError), self._directory.open() as opened:
            opened.remove(self._segment.name)
