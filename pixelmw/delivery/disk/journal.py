"""Stores records durably in segment files of this process, by group commit.

Rules:

1. Records are acknowledged after they were written whole, and with ``sync`` after they are on stable storage. All
   records of a commit share one write and one sync.
2. A segment's bytes up to ``SegmentWriter.size`` never change. A write that fails is taken back by ``ftruncate``.
3. A sync that failed is never tried again: the kernel may count the lost pages as clean, and then the next sync
   succeeds without them (https://wiki.postgresql.org/wiki/Fsync_Errors). The journal goes on in another segment.
4. A busy writer keeps the segment's lock from one commit to the next, but not for long, so that the forwarding process
   gets its turn. It waits for that lock, but not for long either, since the process that has it may be stopped.

The journal has a current segment, or none:

======= ========================================== ======= ======================================================
current what happens                               becomes
======= ========================================== ======= ======================================================
none    a commit                                   open    ``_roll``: a new segment
open    a commit                                   open    the records are appended
open    a commit, and ``SEGMENT_BYTES`` is reached open    ``_roll``: closed, and a new segment
open    a commit, and it was sealed or changed, or open    closed, and a new segment (rules 3 and 4 of
        its lock is not to be had                          the segments)
open    no room on the disk                        open    the write is taken back; the commit fails
open    it holds something, and the system lets no open    the write is taken back; closed, and a new segment
        file become as large (``ulimit -f``)
open    no room for a commit, and its file was     none    closed, and the commit is tried once more
        forwarded and deleted meanwhile
open    any other failure of a write or a sync     none    closed; the commit fails
open    ``close``                                  none    closed, while no commit is under way; if one takes longer,
                                                           it closes the segment at its end
open    ``abandon``, in a child                    none    closed also if a thread of the parent was in a commit when
                                                           the process was forked
======= ========================================== ======= ======================================================
"""

from __future__ import annotations

import errno
import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from ...system.errors import copy_of
from ...system.groupcommit import GroupCommit, NotBegun
from .directory import SpoolDirectory
from .records import encode_record
from .segments.name import MAX_SEGMENT_BYTES, Segment
from .segments.writer import SegmentWriter

#: Bytes after which a segment is full, and the next one begins. To be forwarded, a segment is read into memory whole.
SEGMENT_BYTES = 8 * 2**20
#: What is written together must leave the segment, which may be almost full, one that is read.
MAX_COMMIT_BYTES = MAX_SEGMENT_BYTES - SEGMENT_BYTES
# After one of these errors the write was taken back, and the file is sound.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# How many segments one commit tries: the forwarding process may seal a new one at once.
_MAX_TRIES = 5


class Journal:
    """Appends records to segments of one process, which must be the one that made it.

    :param directory: where the segments go.
    :param sync: whether records are on stable storage once ``append`` returns.
    :param admit: called with the size of each commit in bytes before it is written; raises if there is no room for it.
    :ivar stored: how many records it has stored.
    """

    def __init__(
        self, directory: SpoolDirectory, *, sync: bool, admit: Callable[[int], object] = lambda size: None
    ) -> None:
        self._directory = directory
        self._sync = sync
        self._admit = admit
        self._writer = secrets.token_hex(6)
        self._current: SegmentWriter | None = None
        self._is_to_close = False  # at the end of the commit under way
        self._last_created_ms = 0
        self._next_sequence = 0
        self.stored = 0
        #: Stores a sequence of payloads, all or none, or raises OSError; concurrent calls share one write and one sync.
        self.append: GroupCommit[Sequence[bytes]] = GroupCommit(self._commit)

    def close(self, timeout: float | None = None) -> None:
        """Close the current segment; the next record begins another.

        :param timeout: the most seconds to wait for a commit under way, which may wait for the disk; ``None`` for no
            limit. If it takes longer, the segment is closed at its end.
        """
        self._is_to_close = True
        with suppress(NotBegun), self.append.lanes.alone(math.inf if timeout is None else timeout):
            self._close_current()
            self._is_to_close = False

    def abandon(self) -> None:
        """In a child: close the segment of its parent, which goes on with it."""
        self._close_current()

    def _close_current(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            current.close()

    def _commit(self, items: list[Sequence[bytes]]) -> Mapping[int, Exception]:
        try:
            self._store(items)
        except Exception as error:
            return {place: copy_of(error) if place else error for place in range(len(items))}
        return {}

    def _store(self, items: list[Sequence[bytes]]) -> None:
        first = self._next_sequence
        payloads = [payload for each in items for payload in each]
        data = b"".join(encode_record(sequence, payload) for sequence, payload in enumerate(payloads, first))
        try:
            if len(data) > MAX_COMMIT_BYTES:
                raise OSError(errno.EFBIG, f"no more than {MAX_COMMIT_BYTES} bytes of events can be stored at once")
            self._admit_or_make_room(len(data))
            current = self._append(data, first)
            self._next_sequence += len(payloads)
            if self._sync:
                self._make_durable(current)
        finally:
            if self._current is not None:  # after the sync: by then the next commit is more often waiting
                self._current.release(another_commit_waits=bool(self.append.waiting))
            if self._is_to_close:
                self._is_to_close = False
                self._close_current()
        current.size += len(data)
        self.stored += len(payloads)

    def _admit_or_make_room(self, size: int) -> None:
        try:
            self._admit(size)
        except OSError:
            if self._current is None or not self._current.is_deleted():
                raise
            self._close_current()  # the disk gets the room of a deleted file back when nobody has it open any more
            self._admit(size)

    def _append(self, data: bytes, first: int) -> SegmentWriter:
        """Write *data*, whose first record has the sequence number *first*; returns the segment that holds it."""
        try:
            for _ in range(_MAX_TRIES):
                current = self._current
                if current is None or current.size >= SEGMENT_BYTES:
                    current = self._roll(first)
                if current.lock() and self._fits(current, data):
                    return current
                self._close_current()  # it was sealed, is too large, or somebody who was stopped holds its lock
        except BaseException as error:
            if getattr(error, "errno", None) not in _NO_ROOM:
                self._close_current()
            raise
        raise OSError(f"each new segment in {self._directory.path} was sealed at once")

    def _fits(self, current: SegmentWriter, data: bytes) -> bool:
        """Append *data* to *current*; returns False if the system lets no file become as large (``ulimit -f``)."""
        try:
            current.append(data)
        except OSError as error:
            if error.errno == errno.EFBIG and current.size:
                return False
            raise
        return True

    def _roll(self, first: int) -> SegmentWriter:
        """Close the current segment and begin the next one, whose first record has the sequence number *first*."""
        self._close_current()
        # Names must sort in the order of writing, even if the clock is set back.
        created_ms = max(int(time.time() * 1000), self._last_created_ms + 1)
        segment = Segment(created_ms, self._writer, first)
        self._current = current = SegmentWriter(self._directory, segment)
        self._last_created_ms = created_ms
        return current

    def _make_durable(self, current: SegmentWriter) -> None:
        """Put what was written on stable storage; after a failure, go on in another segment (rule 3)."""
        try:
            current.make_durable()
        except BaseException:
            self._close_current()
            if not current.size:
                current.discard()
            raise
