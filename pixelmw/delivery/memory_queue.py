"""The queue of a Background in one process, and how it is forwarded.

Rules:

1. ``_lock`` guards everything here but the forwarder, which belongs to the worker's thread. It is not held during a
   step, which may last as long as a call of the sink.
2. An event counts as queued until the sink has it or it is a dead letter: ``max_queue`` and ``max_bytes`` bound all
   that is in memory.

====== ===================================================== ========================================================
event  what happens                                          becomes
====== ===================================================== ========================================================
       ``put``                                               unsent
unsent a step of the worker, whose module says when          pending in the forwarder, whose module says what happens
                                                             there
done   the forwarder calls ``_on_done``                      forgotten: ``flush`` looks whether its events are through
====== ===================================================== ========================================================
"""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence

from ..events import Sink
from ..sinks.base import Unavailable
from .base import Full
from .forward import MAX_BATCH_BYTES, Forwarder, Item
from .forward.call_clock import CallClock
from .retry import Retry
from .room_in_batch import RoomInBatch
from .stats import BackgroundStats
from .worker import Step, Worker, step_of

logger = logging.getLogger("pixelmw.delivery")

# The longest pause between tries, in seconds, while the queue is being closed: a sink that comes back within the
# five seconds of the exit gets everything. What waits would be lost otherwise, so this goes before Retry-After.
_MAX_PAUSE_WHEN_CLOSING = 0.5
# What an event takes in memory beside its text, in bytes: the item, its number, and its entries in the queue and among
# the accepted. tracemalloc says 235 for each of 10,000 events in Python 3.11 to 3.13; the rest is for the last error.
_BYTES_BESIDE_TEXT = 300


class MemoryQueue:
    """The events that one process has queued, and its worker.

    :param owner: whose queue it is, for the log.
    :param max_queue: events that may wait.
    :param max_bytes: bytes of memory that they may take.
    :param max_batch: events that are handed to the sink at once.
    :param max_delay: seconds that an event waits for others to join its batch.
    """

    def __init__(
        self,
        owner: object,
        sink: Sink,
        *,
        retry: Retry,
        dead_letter: Sink | None,
        max_queue: int,
        max_bytes: int,
        max_batch: int,
        max_delay: float,
    ) -> None:
        self._owner = owner
        self._max_queue = max_queue
        self._max_bytes = max_bytes
        self._max_batch = max_batch
        # "with" the lock itself: the condition's own __enter__ may be interrupted once it has the lock.
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        calls = CallClock()
        self._forwarder = Forwarder(
            sink, retry=retry, dead_letter=dead_letter, on_done=self._on_done, max_batch=max_batch, calls=calls
        )
        self._worker = Worker(
            self, owner=owner, calls=calls, name="pixelmw-background", gather=max_delay,
            pause_when_closing=_MAX_PAUSE_WHEN_CLOSING,
        )  # fmt: skip
        self._unsent: deque[Item] = deque()
        self._unsent_text = 0  # its bytes
        self._accepted_at: OrderedDict[int, float] = OrderedDict()  # of each event that waits, by its number
        self._bytes = 0  # of memory, of all that waits
        self._stored = 0
        self._stored_when_closed = 0
        self._hurried_until = 0  # the number of the first event that no flush() waits for

    def put(self, payloads: Sequence[bytes]) -> None:
        """Queue events as JSON in UTF-8, all or none.

        :raises Full: if there is no room for all of them.
        :raises Unavailable: if no thread can be started to forward them.
        """
        if not self._worker.ensure_thread():
            raise Unavailable("no thread could be started")
        try:
            with self._lock:
                self._require_room(payloads)
                now = time.monotonic()
                for payload in payloads:
                    item = Item(payload, self._stored)
                    self._stored += 1
                    self._accepted_at[item.number] = now
                    self._unsent.append(item)
                    self._unsent_text += len(payload)
                    self._bytes += _memory_of(payload)
        finally:  # also where an exception from outside ended this: what is queued by then must not lie there
            if self._unsent:
                self._worker.wake(now=self._is_batch_full())

    def _require_room(self, payloads: Sequence[bytes]) -> None:
        queued = len(self._accepted_at)
        if queued + len(payloads) > self._max_queue:
            raise Full(f"the queue holds {queued} events and is full")
        if self._bytes + sum(map(_memory_of, payloads)) > self._max_bytes:
            raise Full(f"the queue holds {queued} events of {self._bytes} bytes and is full")

    def _is_batch_full(self) -> bool:
        return len(self._unsent) >= self._max_batch or self._unsent_text >= MAX_BATCH_BYTES

    def flush(self, timeout: float | None) -> bool:
        """Wait at most *timeout* seconds until all that is queued now is done; returns True if it is."""
        with self._lock:
            last = self._hurried_until = self._stored
        if self._accepted_at:
            self._worker.wake(now=True)
        with self._lock:
            return self._condition.wait_for(lambda: next(iter(self._accepted_at), last) >= last, timeout)

    def close(self, timeout: float | None) -> bool:
        """Forward what is queued, within *timeout* seconds, and end the thread; logs how much is left.

        :returns: False if the sink was given nothing since the last time.
        """
        has_new = bool(self._accepted_at) or self._stored > self._stored_when_closed
        self._stored_when_closed = self._stored
        if self._accepted_at:
            self._worker.ensure_thread()
        self._forwarder.longest_pause = _MAX_PAUSE_WHEN_CLOSING
        try:
            self._worker.close(timeout, for_good=False)
        finally:
            self._forwarder.longest_pause = math.inf
        if left := len(self._accepted_at):
            self._stored_when_closed = -1  # the sink may be in a call, or get them later: it is to be closed then
            logger.error("%r was closed with %d events in its queue", self._owner, left)
        return has_new

    def stats(self, *, dropped: int) -> BackgroundStats:
        """Return the figures of this process.

        :param dropped: the figure that the queue does not know.
        """
        with self._lock:
            oldest = time.monotonic() - next(iter(self._accepted_at.values())) if self._accepted_at else 0.0
            counts = self._forwarder.counts
            return {
                "queued": len(self._accepted_at),
                "queued_bytes": self._bytes,
                "oldest": oldest,
                "stored": self._stored,
                "forwarded": counts["forwarded"],
                "retried": counts["retried"],
                "dropped": dropped,
                "dead": counts["dead"],
            }

    def step(self) -> Step:
        """Make a batch of the unsent events pending, as far as there is room, and forward it."""
        with self._lock:
            room = RoomInBatch(self._forwarder.pending, self._max_batch)
            while self._unsent and room.is_for(self._unsent[0]):
                item = self._unsent.popleft()
                self._forwarder.pending.append(item)
                self._unsent_text -= len(item.payload)
                room.use(item)
            if self._unsent:  # they gather on
                first = self._unsent[0].number
                self._worker.wake(self._accepted_at[first], now=self._is_batch_full() or first < self._hurried_until)
            else:
                self._unsent_text = 0
        return step_of(self._forwarder)

    def give_up(self, *, after_fault: bool) -> None:
        """Do nothing: a queue in memory holds nothing that others wait for."""

    def _on_done(self, items: Iterable[Item]) -> None:
        with self._lock:
            for item in items:
                if self._accepted_at.pop(item.number, None) is not None:
                    self._bytes -= _memory_of(item.payload)
            if not self._accepted_at:
                self._bytes = 0  # an exception from outside may have come between an event and its bytes
            self._condition.notify_all()


def _memory_of(payload: bytes) -> int:
    return sys.getsizeof(payload) + _BYTES_BESIDE_TEXT
