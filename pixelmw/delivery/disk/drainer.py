"""Forwards the segments of a directory, oldest first."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from ...events import Sink
from ..forward import Forwarder, Item
from ..forward.call_clock import CallClock
from ..retry import Retry
from ..room_in_batch import MAX_BATCH, RoomInBatch
from ..worker import NOTHING_LEFT, Step, step_of
from .directory import DEAD, SpoolDirectory
from .in_flight import MAX_DEATHS, InFlight
from .quarantine import Quarantine
from .reader import SegmentReader
from .segments.name import Segment

logger = logging.getLogger("pixelmw.delivery")

# Seconds until segments are looked at again whose locks another process holds.
_LOCKED_PAUSE = 0.1
# So many records are read, some milliseconds' work, before other threads get a turn.
_RECORDS_PER_PAUSE = 32


class Drainer:
    """Forwards what is in *directory*; its user must hold the directory's drain lock.

    :param dead_letter: where events go that the sink will not take.
    :param last_resort: where a dead letter goes with which processes have died in *dead_letter*.
    :param max_batch: events that are handed to the sink at once.
    :param quarantine: where what is left of damaged records goes; by default a folder of *directory*, without a bound.
    :param only: forward these segments only.
    :param pause_if_busy: called every few records, to let other threads run.
    :ivar forwarder: hands the events to the sink.
    :ivar calls: knows the calls of the sink.
    :ivar in_flight: remembers what the sink is called with.
    """

    def __init__(
        self,
        directory: SpoolDirectory,
        sink: Sink,
        *,
        retry: Retry,
        dead_letter: Sink,
        last_resort: Sink | None = None,
        max_batch: int = MAX_BATCH,
        quarantine: Quarantine | None = None,
        only: frozenset[Segment] | None = None,
        pause_if_busy: Callable[[], object] = lambda: None,
    ) -> None:
        self._directory = directory
        self._sink = sink
        self._reader = SegmentReader(directory, quarantine or Quarantine(directory))
        self.calls = CallClock()
        self.in_flight = InFlight(directory)
        self.forwarder = Forwarder(
            sink,
            retry=retry,
            dead_letter=dead_letter,
            on_done=self._reader.on_done,
            max_batch=max_batch,
            in_flight=self._flying,
            burying=self._burying,
            calls=self.calls,
        )
        self._dead_letter = dead_letter
        self._last_resort = None if last_resort is dead_letter else last_resort
        self._max_batch = max_batch
        self._only = only
        self._pause_if_busy = pause_if_busy
        self._unread_segments: deque[Segment] = deque()
        self._unread_items: deque[Iterator[Item]] = deque()  # of the segments that are being read
        self._has_read_all = False

    @property
    def has_caught_up(self) -> bool:
        """True if the last step has forwarded all that was there when it began."""
        return self._has_read_all and not len(self.forwarder) and not self._reader.grown

    @property
    def damaged_records(self) -> int:
        """How many records were lost to damage; what was left of them is in quarantine."""
        return self._reader.damaged_records

    @property
    def obstacle(self) -> str:
        """What the next step waits for, in words, if it waits."""
        if not len(self.forwarder):
            return "another process, which holds the lock of a segment or copies one"
        return f"another try with {self._sink!r}"

    def begin_turn(self) -> None:
        """Forget what was read, and look what the process left that had the turn before; counts and pauses stay."""
        self.forwarder.forget()
        self.forwarder.one_by_one = self.in_flight.take_over()
        self._unread_segments.clear()
        self._unread_items.clear()
        self._reader.forget()

    def give_up(self) -> None:
        """Make no other call of the sink, and note what it had taken before the current one, if there is any.

        Another thread calls this than the one that makes the steps, and which may never come back.
        """
        self.calls.stop()
        if self.calls.current() is not None:
            taken = self.calls.taken()
            self.forwarder.counts["forwarded"] += len(taken)
            self._reader.on_done(taken)
        self.in_flight.end_in_order()

    def step(self) -> Step:
        """Forward one batch."""
        self._fill_pending()
        if not len(self.forwarder) and self._reader.locked:
            return Step(_LOCKED_PAUSE, idle=True)
        if self.calls.is_stopped:
            return NOTHING_LEFT
        if not len(self.forwarder):
            self.in_flight.remove()
            return NOTHING_LEFT
        step = step_of(self.forwarder)
        return Step(0.0, idle=False) if step.nothing_is_left else step  # there may be more by now

    def _fill_pending(self) -> None:
        """Make a whole batch pending, or as many events as can be read now."""
        pending = self.forwarder.pending
        if not pending:
            self._reader.remove_finished()
        self._has_read_all = False
        if is_looking := (not pending or self.forwarder.wants_more_pending) and not self._unread_segments:
            found = self._directory.segments()
            self._reader.locked.keep(set(found))
            self._unread_segments.extend(segment for segment in found if self._is_new(segment))
        room = RoomInBatch(pending, self._max_batch)
        while self._reader.grown or room.is_for_any():
            if self._reader.grown:  # events that were appended to it go before those of later segments
                self._unread_items.extendleft([iter([*pending]), self._reader.read_grown()])
                pending.clear()
                room = RoomInBatch(pending, self._max_batch)
            elif (item := self._next_unread()) is not None:
                if not room.is_for(item):
                    self._unread_items.appendleft(iter([item]))
                    break
                self._add(item)
                room.use(item)
                if len(pending) % _RECORDS_PER_PAUSE == 0:
                    self._pause_if_busy()
            elif self._unread_segments:
                self._unread_items.append(self._reader.read(self._unread_segments.popleft()))
            else:
                self._has_read_all = is_looking
                break

    def _next_unread(self) -> Item | None:
        while self._unread_items:
            if (item := next(self._unread_items[0], None)) is not None:
                return item
            self._unread_items.popleft()
        return None

    def _add(self, item: Item) -> None:
        """Make *item* pending, unless processes died of it."""
        # Most of the time nothing died, and then no item is looked at.
        if (
            self.in_flight.deaths
            and (deaths := self.in_flight.deaths.get(self._reader.place_of(item), 0)) >= MAX_DEATHS
        ):
            self.forwarder.bury(item, f"{deaths} processes died while the sink was called with it alone")
        else:
            self.forwarder.pending.append(item)

    def _flying(self, batch: Sequence[Item]) -> AbstractContextManager[None]:
        alone = self._reader.place_of(batch[0]) if len(batch) == 1 else None
        return self.in_flight.flying(len(batch), alone)

    @contextmanager
    def _burying(self, item: Item) -> Iterator[Sink | None]:
        """Note that *item* is being buried: a user's sink for dead letters may kill the process, too."""
        if self._last_resort is None:
            yield None
            return
        call = f"{self._reader.place_of(item)}:dead_letter"
        if (deaths := self.in_flight.deaths.get(call, 0)) < MAX_DEATHS:
            with self.in_flight.flying(1, call):
                yield None
            return
        logger.error(
            "%d processes died while %r was called with the dead letter %r: it goes to the folder %s instead",
            deaths, self._dead_letter, item.make_event().get("messageId"), DEAD,
        )  # fmt: skip
        yield self.calls.timed(self._last_resort)

    def _is_new(self, segment: Segment) -> bool:
        return segment not in self._reader.in_progress and (self._only is None or segment in self._only)
