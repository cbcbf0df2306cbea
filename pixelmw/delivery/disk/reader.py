"""Reads the segments of a directory into items, and removes each segment once all of it is forwarded.

It belongs to the process that holds the drain lock, and is used by one thread, except ``on_done``. The protocol between
processes is described in :mod:`pixelmw.delivery.disk.segments`; a segment goes through these steps here:

============= ================================================ =========================================================
step          what happens                                     next
============= ================================================ =========================================================
(new)         ``read``                                         in progress: it is sealed, and its records become items
(new)         ``read``, and another process holds its lock     (new): ``read`` is tried again later
in progress   ``read`` comes to the end of what was sealed     it seals and reads again until nothing new is found
in progress   a stretch is damaged, or no event                in progress: counted, and kept for ``quarantine``
in progress   ``on_done`` for some of its items                in progress: the cursor is written
in progress   ``on_done`` for the last one                     removed, after its damaged stretches are in quarantine
in progress   it is longer than what was read                  grown
in progress   it cannot be deleted or is locked, or the damage in progress: ``remove_finished`` tries again
              cannot be kept
grown         ``read_grown``                                   in progress: what was appended becomes items
(any)         ``forget``                                       (new): another process may have forwarded it
============= ================================================ =========================================================
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator

from ...sinks.encoding import decode
from ...system.threads import outside_gevent
from ..forward import Item
from .directory import SpoolDirectory
from .locked_segments import LockedSegments
from .quarantine import Quarantine
from .records import DamagedStretch, Record
from .segments.name import Segment
from .segments.progress import SegmentProgress
from .segments.sealed import Removal, read_from, remove_read, seal

logger = logging.getLogger("pixelmw.delivery")

# So many damaged stretches of a segment are logged and kept one by one. What is beyond is kept as one, with what is
# between: each has a file and a sync of its own, and a file of noise has any number of them.
_MAX_STRETCHES = 100


class SegmentReader:
    """Makes items of the segments in *directory*.

    :param quarantine: where what is left of damaged records goes.
    :ivar in_progress: the segments that have been read and are not removed.
    :ivar grown: those of them that could not be removed, because something was appended since they were read.
    :ivar damaged_records: how many records were lost to damage; what was left of them is in quarantine.
    :ivar locked: segments that wait for another process to let go of them.
    """

    def __init__(self, directory: SpoolDirectory, quarantine: Quarantine) -> None:
        self.in_progress: dict[Segment, SegmentProgress] = {}
        self.grown: deque[SegmentProgress] = deque()
        self.damaged_records = 0
        self._directory = directory
        self.locked = LockedSegments()
        self._quarantine = quarantine
        # These may wait for the writer, which may be another greenlet or process, and for the disk.
        self._seal, self._remove_read = outside_gevent(seal), outside_gevent(remove_read)
        self._progress_of_item: dict[int, SegmentProgress] = {}
        self._done_lock = threading.Lock()  # who gives up a call notes what is done, from another thread
        self._last_number = 0
        self._unreadable: set[Segment] = set()  # those for which that has been logged
        self._seals_hold = True

    def forget(self) -> None:
        """Forget what was read, since another process may have forwarded it meanwhile."""
        self.in_progress.clear()
        self.grown.clear()
        self._progress_of_item.clear()
        self.locked.forget()

    def read(self, segment: Segment) -> Iterator[Item]:
        """Yield the events of *segment* that have not been forwarded yet."""
        if (data := self._seal_and_read(segment, 0)) is None:
            return
        progress = self.in_progress[segment] = SegmentProgress(segment, data)
        progress.read_to = forwarded_to = min(self._directory.cursors.read(segment), progress.size)
        # Parsed from the beginning, to know how many records were lost to damage.
        yield from self._items_of(progress, forwarded_to)
        while self._read_on(progress):
            yield from self._items_of(progress, 0)
        self._remove_if_finished(progress)

    def read_grown(self) -> Iterator[Item]:
        """Read on in the first of the grown segments; returns the events that were appended to it."""
        progress = self.grown.popleft()
        return self._items_of(progress, 0) if self._read_on(progress) else iter(())

    def place_of(self, item: Item) -> str:
        """Return where *item* stands: the name of its segment, and the offset of its record there."""
        progress = self._progress_of_item[item.number]
        return f"{progress.segment.name}:{progress.in_flight[item.number]}"

    def on_done(self, items: Iterable[Item]) -> None:
        """Note that the sink has *items*, or that they are dead letters. It is no error to note that twice."""
        touched: dict[Segment, SegmentProgress] = {}
        with self._done_lock:
            for item in items:
                if (progress := self._progress_of_item.pop(item.number, None)) is not None:
                    del progress.in_flight[item.number]
                    touched[progress.segment] = progress
            for progress in touched.values():
                if not self._remove_if_finished(progress) and not progress.damage:
                    self._directory.cursors.write(progress.segment, progress.forwarded_to)

    def remove_finished(self) -> None:
        """Try again to remove the segments that could not be removed when they were finished."""
        for progress in list(self.in_progress.values()):
            self._remove_if_finished(progress)

    def _read_on(self, progress: SegmentProgress) -> bool:
        """Read what was appended to a segment since it was read; returns True if there is something."""
        more = self._seal_and_read(progress.segment, progress.size)
        progress.add(more or b"")
        return bool(more)

    def _seal_and_read(self, segment: Segment, start: int) -> bytes | None:
        """Seal *segment*, and return what it holds from *start* on, or ``None`` if it cannot be read."""
        try:
            sealed = self._seal(self._directory, segment, start, patience=self.locked.patience_for(segment))
        except FileNotFoundError:
            self.locked.discard(segment)
            return None
        except OSError:
            self.locked.discard(segment)
            if segment not in self._unreadable:
                self._unreadable.add(segment)
                logger.exception("%s cannot be read now; it stays where it is", segment.name)
            return None
        if sealed is None:
            self.locked.add(segment)
            return None
        self.locked.discard(segment)
        if self._seals_hold and not sealed.holds:
            self._seals_hold = False
            logger.warning(
                "the file system of %s does not keep the modes of files: segments may be read while they are written",
                self._directory.path,
            )
        return sealed.data

    def _items_of(self, progress: SegmentProgress, forwarded_to: int) -> Iterator[Item]:
        """Yield the events that have not been parsed yet, without those that end at *forwarded_to* or before."""
        end = progress.size
        for found in progress.parse():
            if found.end <= forwarded_to:
                continue
            item = self._item_of(found) if isinstance(found, Record) else None
            progress.read_to = found.end
            if item is None:
                self._note_damage(progress, found)
            else:
                progress.in_flight[item.number] = found.start
                self._progress_of_item[item.number] = progress
                yield item
        progress.read_to = max(end, progress.read_to)

    def _item_of(self, record: Record) -> Item | None:
        """Return the event of *record*, or ``None`` if its payload is no JSON object."""
        try:
            event: object = decode(record.payload)
        except ValueError:
            return None
        if not isinstance(event, dict):
            return None
        self._last_number += 1
        return Item(record.payload, self._last_number, event)

    def _note_damage(self, progress: SegmentProgress, found: Record | DamagedStretch) -> None:
        lost = found.lost if isinstance(found, DamagedStretch) else 1
        self.damaged_records += lost
        if len(progress.damage) >= _MAX_STRETCHES:
            first = progress.damage.pop()
            progress.damage.append(DamagedStretch(first.start, found.end, first.lost + lost))
            return
        logger.error(
            "%s is damaged from byte %d to %d: %d records are lost, and what is left of them goes to quarantine",
            progress.segment.name, found.start, found.end, lost,
        )  # fmt: skip
        progress.damage.append(DamagedStretch(found.start, found.end, lost))

    def _remove_if_finished(self, progress: SegmentProgress) -> bool:
        """Remove a segment if all of it is forwarded or in quarantine, and nothing was appended since.

        :returns: True if it is gone.
        """
        if progress.in_flight or progress.read_to < progress.size:
            return False
        try:
            for damage in progress.damage:
                left = read_from(self._directory, progress.segment, damage.start, damage.end - damage.start)
                self._quarantine.keep(progress.segment, damage.start, left)
            progress.damage.clear()
            removal = self._remove_read(self._directory, progress.segment, progress.size)
        except FileNotFoundError:
            removal = Removal.GONE
        except OSError as error:
            if not progress.deletion_failure_logged:
                progress.deletion_failure_logged = True
                logger.warning("%s has been forwarded and cannot be deleted yet: %s", progress.segment.name, error)
            return False
        if removal is Removal.LOCKED:
            self.locked.add(progress.segment)
            return False
        self.locked.discard(progress.segment)
        if removal is Removal.GROWN:
            if progress not in self.grown:
                self.grown.append(progress)
            return False
        self.in_progress.pop(progress.segment, None)
        return True
