"""Stores records durably: this process's segment files, written by group commit."""

from __future__ import annotations

import errno
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from ...system.files import lock_file, sync_data, sync_directory, unlock_file
from ...system.groupcommit import GroupCommit
from ...system.threads import outside_gevent
from .directory import Segment, SpoolDirectory
from .records import encode

#: Past this a segment is left, and the next one begun.
SEGMENT_BYTES = 8 * 2**20
# A write that failed for one of these was taken back, and the file is sound.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Seconds for which a busy writer may keep a segment from being sealed.
_LOCKED_FOR = 0.25
# Segments to begin before giving up, where a drainer takes each as soon as it is there.
_TRIES = 5


class Journal:
    """Appends records to segments of one process, which must be the one that made it.

    :param directory: where the segments go.
    :param sync: whether records are on stable storage once ``append`` returns.
    :param admit: called with the size of each commit before it is written; raises where there is no room for it.
    :ivar stored: how many records it has stored.
    """

    def __init__(
        self, directory: SpoolDirectory, *, sync: bool, admit: Callable[[int], object] = lambda size: None
    ) -> None:
        self._directory = directory
        self._sync = sync
        self._admit = admit
        self._segment = Segment(0, secrets.token_hex(6), 0)  # the current one; at first there is none
        self._descriptor = -1
        self._size = 0  # bytes in it that were acknowledged
        self._fresh = True  # nothing in it was acknowledged
        self._locked_until = 0.0  # on the monotonic clock; zero while it is not locked
        self._sequence = 0
        self._committing = threading.Lock()
        self._sync_file, self._sync_new_file = outside_gevent(sync_data), outside_gevent(os.fsync)
        self.stored = 0
        #: Stores a sequence of payloads, all or none, or raises OSError; concurrent calls share one write and one sync.
        self.append: GroupCommit[Sequence[bytes]] = GroupCommit(self._commit, lock=self._committing)

    def close(self) -> None:
        """Leave the current segment; the next record begins another."""
        with self._committing:
            self.leave()

    def leave(self) -> None:
        """Like :meth:`close`, for a child, whose parent's threads may have been committing when it was forked."""
        if self._descriptor >= 0:
            descriptor, self._descriptor, self._locked_until = self._descriptor, -1, 0.0
            with suppress(OSError):  # nothing is pending: what was acknowledged has been synced
                os.close(descriptor)

    def _commit(self, items: list[Sequence[bytes]]) -> Mapping[int, Exception]:
        first = self._sequence
        payloads = [payload for each in items for payload in each]
        data = b"".join(encode(number, payload) for number, payload in enumerate(payloads, first))
        try:
            self._admit(len(data))
            self._append(data, first)
            self._sequence += len(payloads)
            if self._sync:
                self._persist()
        finally:
            self._unlock()  # not before the sync, at the end of which more often the next commit is waiting
        self._fresh = False
        self._size += len(data)
        self.stored += len(payloads)
        return {}

    def _append(self, data: bytes, first: int) -> None:
        try:
            for _ in range(_TRIES):
                if self._descriptor < 0 or self._size >= SEGMENT_BYTES:
                    self._begin(first)
                if self._lock():
                    return _write_whole(self._descriptor, data, self._size)
                self.leave()  # it was sealed, and is being forwarded
        except BaseException as error:
            if getattr(error, "errno", None) not in _NO_ROOM:
                self.leave()
            raise
        raise OSError(f"each new segment in {self._directory.path} was taken away at once")

    def _lock(self) -> bool:
        """Keep the segment from being sealed; tells whether it was not already."""
        if not self._locked_until:
            lock_file(self._descriptor)
            self._locked_until = time.monotonic() + _LOCKED_FOR
            return self._directory.accepts(self._segment, self._descriptor, self._size)
        return True

    def _unlock(self) -> None:
        """Let the segment be sealed, unless the next commit is waiting: each call here may cost a turn of the GIL."""
        if self._locked_until and (not self.append.waiting or time.monotonic() > self._locked_until):
            self._locked_until = 0.0
            unlock_file(self._descriptor)

    def _begin(self, first: int) -> None:
        self.leave()
        created = max(int(time.time() * 1000), self._segment.created + 1)  # whatever the clock does, names sort
        segment = Segment(created, self._segment.writer, first)
        self._descriptor = self._directory.create(segment)
        self._segment, self._size, self._fresh = segment, 0, True

    def _persist(self) -> None:
        """Put what was written on stable storage, and the name of a new segment too.

        A sync that failed is never tried again: the kernel may count the lost
        pages as clean, and the next one would succeed. So the segment is left.
        """
        try:
            if self._fresh:
                self._sync_new_file(self._descriptor)
                sync_directory(self._directory.path)
            else:
                self._sync_file(self._descriptor)
        except BaseException:
            self.leave()
            if self._fresh:  # nobody was told of anything in it
                with suppress(OSError):
                    self._directory.remove(self._segment)
            raise


def _write_whole(descriptor: int, data: bytes, size: int) -> None:
    """Append *data*, or else leave the file with the *size* that it had."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except BaseException:
        os.ftruncate(descriptor, size)
        raise
