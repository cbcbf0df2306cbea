"""The queue of a Background in one process, and the thread that forwards it.

Rules:

1. ``_lock`` guards everything here but the forwarder, which belongs to the thread. It is not held during a step,
   which may last as long as a call of the sink.
2. An event counts as queued until the sink has it or it is a dead letter: ``max_queue`` bounds all that is in memory.
3. The thread lives until ``close``, and starts again with the next event.

====== ===================================================== ========================================================
event  what happens                                          becomes
====== ===================================================== ========================================================
       ``put``                                               unsent
unsent a batch is full, ``max_delay`` is over, or somebody   pending in the forwarder, whose module says what happens
       flushes or closes                                     there
done   the forwarder calls ``_on_done``                      forgotten: ``flush`` and ``close`` look whether they are
                                                             through
====== ===================================================== ========================================================
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterable

from ..events import Sink
from .base import Full
from .forward import Forwarder, Item
from .retry import Retry
from .stats import BackgroundStats

logger = logging.getLogger("pixelmw.delivery")

#: Seconds after which forwarding goes on if a fault of ours interrupted it.
PAUSE_AFTER_FAULT = 1.0
# The longest pause between tries, in seconds, while the queue is being closed: a sink that comes back within the
# five seconds of the exit gets everything. What waits would be lost otherwise, so this goes before Retry-After.
_MAX_PAUSE_WHEN_CLOSING = 0.5


class MemoryQueue:
    """The events that one process has queued, and its thread.

    :param owner: whose queue it is, for the log.
    :param max_queue: events that may wait.
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
        max_batch: int,
        max_delay: float,
    ) -> None:
        self._owner = owner
        self._max_queue = max_queue
        self._max_batch = max_batch
        self._max_delay = max_delay
        # "with" the lock itself: the condition's own __enter__ may be interrupted once it has the lock.
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._forwarder = Forwarder(
            sink, retry=retry, dead_letter=dead_letter, on_done=self._on_done, max_batch=max_batch
        )
        self._unsent: deque[Item] = deque()
        self._accepted_at: OrderedDict[int, float] = OrderedDict()  # of each event that waits, by its number
        self._stored = 0
        self._retry_due = 0.0  # when to try the pending and refused items again, on the monotonic clock
        self._set_aside_due = 0.0  # when to try the suspects and dead items again, for which no other item waits
        self._flushing = 0  # how many wait in flush()
        self._deadline: float | None = None  # of close()

    def put(self, payloads: list[bytes]) -> None:
        """Queue events as JSON in UTF-8, all or none.

        :raises Full: if there is no room for all of them.
        """
        with self._lock:
            self._ensure_thread()
            if len(self._accepted_at) + len(payloads) > self._max_queue:
                raise Full(f"the queue holds {len(self._accepted_at)} events and is full")
            now = time.monotonic()
            try:
                for payload in payloads:
                    item = Item(payload, self._stored)
                    self._stored += 1
                    self._accepted_at[item.number] = now
                    self._unsent.append(item)
            finally:  # also where an exception from outside ends this: what is queued by then must not lie there
                if len(self._unsent) <= len(payloads) or len(self._unsent) >= self._max_batch:
                    self._condition.notify_all()

    def flush(self, timeout: float | None) -> bool:
        """Wait at most *timeout* seconds until all that is queued now is done; returns True if it is."""
        with self._lock:
            last = self._stored
            self._hurry()
            self._flushing += 1
            try:
                return self._condition.wait_for(lambda: next(iter(self._accepted_at), last) >= last, timeout)
            finally:
                self._flushing -= 1

    def close(self, timeout: float | None) -> None:
        """Forward what is queued, within *timeout* seconds, and end the thread; logs how much is left."""
        with self._lock:
            self._deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
            self._forwarder.longest_pause = _MAX_PAUSE_WHEN_CLOSING
            try:
                self._hurry()
                self._condition.wait_for(lambda: not self._thread_runs(), timeout)
            finally:
                self._deadline = None
                self._forwarder.longest_pause = math.inf
            if self._accepted_at:
                logger.error("%r was closed with %d events in its queue", self._owner, len(self._accepted_at))

    def stats(self, *, dropped: int) -> BackgroundStats:
        """Return the figures of this process.

        :param dropped: the figure that the queue does not know.
        """
        with self._lock:
            oldest = time.monotonic() - next(iter(self._accepted_at.values())) if self._accepted_at else 0.0
            counts = self._forwarder.counts
            return {
                "queued": len(self._accepted_at),
                "oldest": oldest,
                "stored": self._stored,
                "forwarded": counts["forwarded"],
                "retried": counts["retried"],
                "dropped": dropped,
                "dead": counts["dead"],
            }

    def _thread_runs(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _ensure_thread(self) -> None:
        if not self._thread_runs():
            self._thread = threading.Thread(target=self._run, name="pixelmw-background", daemon=True)
            self._thread.start()

    def _hurry(self) -> None:
        """Make the thread try at once."""
        if self._accepted_at:
            self._ensure_thread()
        self._retry_due = self._set_aside_due = 0.0
        self._condition.notify_all()

    def _run(self) -> None:
        while self._wait_for_work():
            try:
                pause = self._forwarder.step()
            except Exception:
                logger.exception("%r failed to forward; it will try again", self._owner)
                pause = PAUSE_AFTER_FAULT
            if self._deadline is not None:
                pause = min(pause, _MAX_PAUSE_WHEN_CLOSING)
            due = time.monotonic() + pause
            if self._forwarder.holds_up_others:
                self._retry_due = due
            self._set_aside_due = due

    def _wait_for_work(self) -> bool:
        """Wait for something to do, and make unsent events pending; returns False if the thread is to end."""
        with self._lock:
            while True:
                now = time.monotonic()
                if self._deadline is not None and (not self._accepted_at or now >= self._deadline):
                    self._thread = None  # under the lock, so that nobody can queue more and think that it runs
                    self._condition.notify_all()
                    return False
                if (due := self._next_due()) <= now:
                    break
                if self._deadline is not None:
                    due = min(due, self._deadline)
                self._condition.wait(min(due - now, threading.TIMEOUT_MAX))
            # At least two: if one fails, the other shows whether the sink or the event is at fault.
            while self._unsent and len(self._forwarder.pending) < max(2, self._max_batch):
                self._forwarder.pending.append(self._unsent.popleft())
            return True

    def _next_due(self) -> float:
        """Return when the next step is due, on the monotonic clock."""
        if self._forwarder.holds_up_others:
            return self._retry_due
        if self._unsent:
            if self._flushing or self._deadline or len(self._unsent) >= self._max_batch:
                return 0.0
            return self._accepted_at[self._unsent[0].number] + self._max_delay
        return self._set_aside_due if len(self._forwarder) else float("inf")

    def _on_done(self, items: Iterable[Item]) -> None:
        with self._lock:
            for item in items:
                del self._accepted_at[item.number]
            self._condition.notify_all()
