"""Gathers events for a sink that takes batches: those that come during a write share the next one.

A request waits in the loop, which takes no thread. Each lane of the sink has at
most one worker, which takes what has gathered, stores it and answers all of it
by one wake-up of each loop. Of a plain ``write`` the workers are threads, which
store by ``sinks.together`` for all loops of the process. Of an ``async def
write`` they are tasks, in each loop its own.

===========================================  =====================================================
what happens                                 what becomes of the events that wait
===========================================  =====================================================
a lane gets free                             the first ``most_together`` of them are stored
an event has waited for ``timeout``          it is answered ``Unavailable``, untried
no thread can start, and no lane writes      who came is answered with that at once
all lanes write for twice ``timeout``        who comes is answered ``Unavailable`` at once
a write ends "down" after half of it         all are answered with that
a write fails otherwise                      they go on: its own events were judged one by one
a write is cancelled by somebody else        its events are answered ``Unavailable``, the others go on
the worker is cancelled, as at a loop's end  all are answered ``Unavailable``
===========================================  =====================================================
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from ..events import Event
from ..sinks.base import PartialFailure, Unavailable, is_down, store
from ..sinks.together.lines import DEFAULT_MOST_TOGETHER, timeout_of
from ..system.errors import copy_of
from ..system.fork import PerProcess
from .calls import Outcome, Pending, as_exception, settle_all, submit
from .search import errors_of_their_own


class Waiting(NamedTuple):
    """An event that waits, and the request that waits with it."""

    event: Event
    pending: Pending
    came: float  # on the monotonic clock


class Queue:
    """The events that wait for the workers of one sink, in one process or in one loop.

    :ivar began: when each write under way began, by its worker.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: deque[Waiting] = deque()
        self.workers = 0
        self.began: dict[object, float] = {}
        # The loops that will look for those that have waited too long. A loop may be closed before it does.
        self.timers: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()


class Gatherer(ABC):
    """The events that wait for one sink.

    :param sink: has a ``write``, and may say ``lanes``, ``most_together`` and ``timeout``.
    """

    def __init__(self, sink: Any) -> None:
        self.sink = sink
        # A sink without lanes looks after itself. With two workers, one event passes another that takes long.
        self.lanes: int = getattr(sink, "lanes", 1) or 2
        self._most: int = getattr(sink, "most_together", DEFAULT_MOST_TOGETHER)
        self.timeout = timeout_of(sink)

    @abstractmethod
    def queue(self) -> Queue:
        """The queue of this process or loop."""

    @abstractmethod
    def start_worker(self, queue: Queue) -> None:
        """Begin to store what waits."""

    def begin(self, pending: Pending, event: Event) -> None:
        """Store *event* with others."""
        queue, now = self.queue(), time.monotonic()
        with queue.lock:
            hangs = len(queue.began) == self.lanes and now - max(queue.began.values()) > 2 * self.timeout
            if not hangs:
                queue.waiting.append(Waiting(event, pending, now))
            needs_worker = not hangs and queue.workers < self.lanes
            queue.workers += needs_worker
            needs_timer = not hangs and pending.loop not in queue.timers
            if needs_timer:
                queue.timers.add(pending.loop)
        if hangs:
            error = Unavailable(f"{self.sink!r} has been writing for more than {2 * self.timeout:g} seconds")
            settle_all([(pending, (None, error))])
        if needs_timer:
            pending.loop.call_later(self.timeout, self._answer_late, queue, pending.loop)
        if needs_worker:
            try:
                self.start_worker(queue)
            except BaseException:  # this machine has no thread left, or the loop makes no task
                if self._takes_back(queue, pending):
                    raise

    def _takes_back(self, queue: Queue, pending: Pending) -> bool:
        """Count off a worker that could not start. Returns True if *pending* waits no more, as there is no other."""
        with queue.lock:
            queue.workers -= 1
            if queue.workers > 0:
                return False
            queue.waiting = deque(each for each in queue.waiting if each.pending is not pending)
            return True

    def next_batch(self, queue: Queue, worker: object) -> list[Waiting]:
        """Take what *worker* is to store now; if that is nothing, the worker has ended."""
        with queue.lock:
            batch = [queue.waiting.popleft() for _ in range(min(self._most, len(queue.waiting)))]
            if batch:
                queue.began[worker] = time.monotonic()
            else:
                queue.workers = max(0, queue.workers - 1)  # it may be one that began late and is not counted any more
            return batch

    def finish(self, queue: Queue, worker: object, batch: list[Waiting], outcomes: list[Outcome]) -> None:
        """Answer all of *batch*, and all that wait, if the sink turned out to hang."""
        late: list[Waiting] = []
        error = _down_for_all(outcomes)
        with queue.lock:
            took = time.monotonic() - queue.began.pop(worker)
            if error is not None and took >= self.timeout / 2:
                late = [*queue.waiting]
                queue.waiting.clear()
        told: list[Outcome] = [(None, copy_of(error)) for _ in late] if error is not None else []
        settle_all(zip([each.pending for each in batch + late], outcomes + told, strict=True))

    def _answer_late(self, queue: Queue, loop: asyncio.AbstractEventLoop) -> None:
        """Answer those of *loop* that have waited for too long, and look again when the next one may have."""
        due = time.monotonic() - self.timeout
        late, others, next_one = [], deque[Waiting](), None
        with queue.lock:
            for each in queue.waiting:
                if each.pending.loop is loop and each.came <= due:
                    late.append(each.pending)
                    continue
                others.append(each)
                if each.pending.loop is loop and next_one is None:
                    next_one = each.came
            queue.waiting = others
            if next_one is None:
                queue.timers.discard(loop)
        if next_one is not None:
            loop.call_later(next_one - due, self._answer_late, queue, loop)
        message = f"others kept {self.sink!r} busy for {self.timeout:g} seconds"
        settle_all([(pending, (None, Unavailable(message))) for pending in late])


class ThreadGatherer(Gatherer):
    """Gathers for a plain ``write``."""

    def __init__(self, sink: Any) -> None:
        super().__init__(sink)
        self._queue = PerProcess(Queue)
        self._pool = PerProcess(partial(ThreadPoolExecutor, self.lanes, "pixelmw-store"))

    def queue(self) -> Queue:
        return self._queue.get()

    def start_worker(self, queue: Queue) -> None:
        submit(self._pool, self._work, queue)

    def _work(self, queue: Queue) -> None:
        me = threading.get_ident()
        while batch := self.next_batch(queue, me):
            self.finish(queue, me, batch, self._store([each.event for each in batch]))
            del batch

    def _store(self, events: Sequence[Event]) -> list[Outcome]:
        try:
            store(self.sink, events)
        except BaseException as raised:
            if isinstance(raised, PartialFailure) and raised.fits(len(events)):
                return [(None, error) for error in errors_of_their_own(raised.failures, len(events))]
            error = as_exception(raised, self.sink)
            if not isinstance(error, Exception):  # what was to end this thread says nothing about the events
                error = Unavailable(f"a thread ended while it stored in {self.sink!r}")
            return [(None, error if place == 0 else copy_of(error)) for place in range(len(events))]
        return [(None, None)] * len(events)


def _down_for_all(outcomes: Sequence[Outcome]) -> Exception | None:
    """The error of the first of *outcomes*, if all of them say that the sink is down."""
    errors = [error for _, error in outcomes if isinstance(error, Exception) and is_down(error)]
    return errors[0] if len(errors) == len(outcomes) else None


def gathers(sink: Any) -> bool:
    """Return True if events for *sink* may share a call of its ``write``: its own call would do nothing else.

    That is so for a :class:`~pixelmw.sinks.BatchSink` with the inherited ``__call__``, and for the package's wrappers.
    """
    module: str = getattr(type(sink).__call__, "__module__", None) or ""
    return callable(getattr(sink, "write", None)) and module.startswith(("pixelmw.sinks.", "pixelmw.delivery."))
