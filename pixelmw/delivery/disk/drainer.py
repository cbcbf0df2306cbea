"""Forwards the segments of a directory, oldest first, and deletes each once the sink has all of it."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from ...events import Sink
from ...sinks.encoding import decode
from ...system.threads import outside_gevent
from ..forward import Forwarder, Item
from ..retry import Retry
from .directory import Segment, SpoolDirectory
from .records import Damage, Record, scan

logger = logging.getLogger("pixelmw")

#: Events that are handed to the sink at once.
MAX_BATCH = 500
# Records that are read in one breath.
_BREATH = 32


class _Reading:
    """A segment that is being forwarded."""

    def __init__(self, segment: Segment, data: bytes) -> None:
        self.segment = segment
        self.data = data
        self.scanned = 0  # how far its records have been taken apart
        self.expected = segment.first  # the number of the record that should stand there
        self.read = 0  # how far its records are on their way
        self.on_their_way: OrderedDict[int, int] = OrderedDict()  # place of each such item: where its record begins
        self.damage: list[Damage] = []  # what has yet to be quarantined
        self.told = False  # that it cannot be deleted

    @property
    def forwarded(self) -> int:
        """How much of it need not be sent again, whatever happens."""
        return next(iter(self.on_their_way.values()), self.read)

    def scan(self) -> Iterator[Record | Damage]:
        """What it holds beyond what has been scanned, in order and without a gap."""
        for found in scan(self.data, self.expected, self.scanned):
            self.scanned = found.end
            self.expected = found.sequence + 1 if isinstance(found, Record) else self.expected + found.lost
            yield found


class Drainer:
    """Forwards what is in *directory*; whoever uses it holds the directory's drain lock.

    :param dead_letter: where events go that the sink will not take.
    :param among: forward these segments only.
    :param pause_if_busy: called every few records, for others to have a turn.
    :ivar forwarder: what it hands events to.
    :ivar damaged: records that were lost to damage; what was left of them is in quarantine.
    """

    def __init__(
        self,
        directory: SpoolDirectory,
        sink: Sink,
        *,
        retry: Retry,
        dead_letter: Sink,
        among: frozenset[Segment] | None = None,
        pause_if_busy: Callable[[], object] = lambda: None,
    ) -> None:
        self._new_forwarder = partial(
            Forwarder, sink, retry=retry, dead_letter=dead_letter, on_done=self._settled, max_batch=MAX_BATCH
        )
        self.forwarder = self._new_forwarder()
        self.damaged = 0
        self._directory = directory
        # They may wait for the one who writes, another greenlet or process.
        self._seal, self._remove_read = outside_gevent(directory.seal), outside_gevent(directory.remove_read)
        self._among = among
        self._pause = pause_if_busy
        self._to_read: deque[Segment] = deque()
        self._items: Iterator[Item] = iter(())
        self._readings: dict[Segment, _Reading] = {}
        self._grown: deque[_Reading] = deque()  # that could not be removed, since there is more in them by now
        self._places: dict[int, _Reading] = {}
        self._place = 0
        self._unreadable: set[Segment] = set()
        self._seals_hold = True

    def restart(self) -> None:
        """Forget what was read: somebody else may have forwarded it meanwhile."""
        counts = self.forwarder.counts
        self.forwarder = self._new_forwarder()
        self.forwarder.counts = counts
        self._to_read.clear()
        self._items = iter(())
        self._readings.clear()
        self._grown.clear()
        self._places.clear()

    def step(self) -> float | None:
        """Forward one batch; returns the seconds to wait before the next, or ``None`` where nothing is left."""
        self._fill()
        return self.forwarder.step() if len(self.forwarder) else None

    def _fill(self) -> None:
        """Have a batch pending, if there is as much."""
        pending = self.forwarder.pending
        if not pending:
            for reading in list(self._readings.values()):
                self._finish(reading)  # those that could not be deleted when they were done
        if (not pending or self.forwarder.wants_more_pending) and not self._to_read:
            self._to_read.extend(segment for segment in self._directory.segments() if self._is_new(segment))
        while self._grown or len(pending) < MAX_BATCH:
            if self._grown:
                grown = self._grown.popleft()
                if self._read_on(grown):  # it goes before what was read after it
                    pending.extendleft(reversed(list(self._items_of(grown, 0))))
            elif (item := next(self._items, None)) is not None:
                pending.append(item)
                if len(pending) % _BREATH == 0:
                    self._pause()
            elif self._to_read:
                self._items = self._read(self._to_read.popleft())
            else:
                break

    def _is_new(self, segment: Segment) -> bool:
        return segment not in self._readings and (self._among is None or segment in self._among)

    def _read(self, segment: Segment) -> Iterator[Item]:
        """The events of *segment* that have not been forwarded yet."""
        if (data := self._sealed(segment, 0)) is None:
            return
        reading = self._readings[segment] = _Reading(segment, data)
        reading.read = forwarded = min(self._directory.forwarded(segment), len(data))
        # From its beginning, so as to know how many records damage has cost.
        yield from self._items_of(reading, forwarded)
        while self._read_on(reading):
            yield from self._items_of(reading, 0)
        self._finish(reading)

    def _read_on(self, reading: _Reading) -> bool:
        """Read what was appended to a segment since; tells whether there is something."""
        more = self._sealed(reading.segment, len(reading.data))
        reading.data += more or b""
        return bool(more)

    def _sealed(self, segment: Segment, start: int) -> bytes | None:
        """Seal *segment*, and return what it holds from *start* on; ``None`` where it cannot be read."""
        try:
            data, holds = self._seal(segment, start)
        except FileNotFoundError:
            return None
        except OSError:
            if segment not in self._unreadable:
                self._unreadable.add(segment)
                logger.exception("%s cannot be read now; it stays where it is", segment.name)
            return None
        if self._seals_hold and not holds:
            self._seals_hold = False
            logger.warning(
                "the file system of %s does not keep the modes of files: segments may be read while they are written",
                self._directory.path,
            )
        return data

    def _items_of(self, reading: _Reading, forwarded: int) -> Iterator[Item]:
        """The events of *reading* that have not been scanned yet, but for those that end at *forwarded* or before."""
        for found in reading.scan():
            if found.end <= forwarded:
                continue
            item = self._item(found) if isinstance(found, Record) else None
            reading.read = found.end
            if item is None:
                self._set_aside(reading, found)
            else:
                reading.on_their_way[item.number] = found.start
                self._places[item.number] = reading
                yield item
        reading.read = len(reading.data)

    def _item(self, record: Record) -> Item | None:
        try:
            event = decode(record.payload)
        except ValueError:
            return None
        self._place += 1
        return Item(record.payload, self._place, event)

    def _set_aside(self, reading: _Reading, found: Record | Damage) -> None:
        lost = found.lost if isinstance(found, Damage) else 1
        self.damaged += lost
        logger.error(
            "%s is damaged from byte %d to %d: %d records are lost, and what is left of them goes to quarantine",
            reading.segment.name, found.start, found.end, lost,
        )  # fmt: skip
        reading.damage.append(Damage(found.start, found.end, lost))

    def _settled(self, items: Iterable[Item]) -> None:
        touched: dict[Segment, _Reading] = {}
        for item in items:
            reading = self._places.pop(item.number)
            del reading.on_their_way[item.number]
            touched[reading.segment] = reading
        for reading in touched.values():
            if not self._finish(reading) and not reading.damage:
                self._directory.note_forwarded(reading.segment, reading.forwarded)

    def _finish(self, reading: _Reading) -> bool:
        """Delete a segment of which everything has been forwarded or quarantined, and nothing came since.

        :returns: whether it is gone.
        """
        if reading.on_their_way or reading.read < len(reading.data):
            return False
        try:
            for damage in reading.damage:
                self._directory.quarantine(reading.segment, damage.start, reading.data[damage.start : damage.end])
            reading.damage.clear()
            if not self._remove_read(reading.segment, len(reading.data)):
                if reading not in self._grown:
                    self._grown.append(reading)
                return False
        except OSError as error:
            if not reading.told:
                reading.told = True
                logger.warning("%s has been forwarded and cannot be deleted yet: %s", reading.segment.name, error)
            return False
        self._readings.pop(reading.segment, None)
        return True
