"""A queue in memory and a thread that forwards it: fast, and lost in a crash."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterable

from ..events import Sink
from ..system.fork import PerProcess
from ..system.threads import UWSGI_THREADS_REMEDY, background_threads_run
from .base import Delivery, Full, logger
from .forward import Forwarder, Item
from .retry import Retry

# Seconds between the last tries of a queue that is being closed.
_LAST_PAUSE = 0.5
# Seconds after which forwarding goes on, where a fault of ours interrupted it.
_FAULT_PAUSE = 1.0


class Background(Delivery):
    """Loses in a crash what it has queued: it returns once an event is in memory, and a thread hands it on.

    ::

        PixelMiddleware(app, Background(HTTP("https://data-plane.example", WRITE_KEY)))

    The thread starts with the first event, in each process its own. A process
    that ends in order, as on SIGTERM or when its server recycles it, first forwards
    what is queued, within five seconds. Where that is not enough, use :class:`Spool`.

    :param sink: any sink; one with ``write`` gets batches. It is called by one thread at a time.
    :param max_queue: events that may wait, those under way included.
    :param max_batch: events that are handed over at once.
    :param max_delay: seconds that an event waits for others to join its batch.
    :param retry: when to try again; for ever, unless it says otherwise.
    :param when_full: "refuse" raises, so that the request is answered 503;
        "drop" loses the event, counts it, and logs so once a minute.
    :param dead_letter: a sink for events that *sink* will not take; without one
        they are logged, and gone.
    :raises RuntimeError: under a server that runs no background threads; it says what to set.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        max_queue: int = 10_000,
        max_batch: int = 500,
        max_delay: float = 0.5,
        retry: Retry = Retry(),  # noqa: B008 - it is immutable
        when_full: str = "refuse",
        dead_letter: Sink | None = None,
    ) -> None:
        super().__init__(sink, retry=retry, when_full=when_full, dead_letter=dead_letter)
        if max_queue < 1 or max_batch < 1 or max_delay < 0:
            raise ValueError("max_queue and max_batch must be at least 1, and max_delay not below 0")
        if not background_threads_run():
            raise RuntimeError(f"{UWSGI_THREADS_REMEDY}, or use Spool and python -m pixelmw drain")
        self.max_queue = max_queue
        self.max_batch = max_batch
        self.max_delay = max_delay
        self._queue: PerProcess[_Queue] = PerProcess(lambda: _Queue(self))

    def __repr__(self) -> str:
        return f"Background({self.sink!r})"

    def _put(self, payloads: list[bytes]) -> None:
        self._queue.get().put(payloads)

    def flush(self, timeout: float | None = None) -> bool:
        queue = self._queue.existing()
        return queue is None or queue.flush(timeout)

    def _end(self, timeout: float | None) -> bool:
        queue = self._queue.existing()
        if queue is not None:
            queue.close(timeout)
        return queue is not None

    def stats(self) -> dict[str, float]:
        """Figures about this process.

        ``queued`` events wait now, the oldest for ``oldest`` seconds. Counted since the start: events ``stored``
        in the queue, ``forwarded``, ``dropped`` because it was full, and made ``dead`` letters; tries ``retried``.
        """
        queue = self._queue.get()
        return {**queue.stats(), "dropped": self.dropped}


class _Queue:
    """What one process has queued, and its thread."""

    def __init__(self, settings: Background) -> None:
        self._settings = settings
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._forwarder = Forwarder(
            settings.sink,
            retry=settings.retry,
            dead_letter=settings.dead_letter,
            on_done=self._settled,
            max_batch=settings.max_batch,
        )
        self._queued: deque[Item] = deque()
        self._since: OrderedDict[int, float] = OrderedDict()  # place of each event that waits: when it came
        self._stored = 0
        self._due = 0.0  # when to try again what failed
        self._aside_due = 0.0  # when to try what does not hold up the others
        self._hurried = 0  # who waits in flush()
        self._deadline: float | None = None

    def put(self, payloads: list[bytes]) -> None:
        settings = self._settings
        with self._condition:
            self._start()
            if len(self._since) + len(payloads) > settings.max_queue:
                raise Full(f"the queue holds {len(self._since)} events and is full")
            now = time.monotonic()
            for payload in payloads:
                self._queued.append(Item(payload, self._stored))
                self._since[self._stored] = now
                self._stored += 1
            if len(self._queued) == len(payloads) or len(self._queued) >= settings.max_batch:
                self._condition.notify_all()

    def flush(self, timeout: float | None) -> bool:
        with self._condition:
            last = self._stored
            self._hurry()
            self._hurried += 1
            try:
                return self._condition.wait_for(lambda: next(iter(self._since), last) >= last, timeout)
            finally:
                self._hurried -= 1

    def close(self, timeout: float | None) -> None:
        with self._condition:
            self._deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
            try:
                self._hurry()
                self._condition.wait_for(lambda: not self._runs(), timeout)
            finally:
                self._deadline = None
            if self._since:
                logger.error("%r was closed with %d events in its queue", self._settings, len(self._since))

    def stats(self) -> dict[str, float]:
        with self._condition:
            oldest = time.monotonic() - next(iter(self._since.values())) if self._since else 0.0
            return {"queued": len(self._since), "stored": self._stored, "oldest": oldest, **self._forwarder.counts}

    def _runs(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _start(self) -> None:
        if not self._runs():
            self._thread = threading.Thread(target=self._run, name="pixelmw-background", daemon=True)
            self._thread.start()

    def _hurry(self) -> None:
        """Have the thread try at once."""
        if self._since:
            self._start()
        self._due = self._aside_due = 0.0
        self._condition.notify_all()

    def _run(self) -> None:
        while self._gather():
            try:
                pause = self._forwarder.step()
            except Exception:
                logger.exception("%r failed to forward; it will try again", self._settings)
                pause = _FAULT_PAUSE
            if self._deadline is not None:
                pause = min(pause, _LAST_PAUSE)
            due = time.monotonic() + pause
            if self._forwarder.holds_up_others:
                self._due = due
            self._aside_due = due

    def _gather(self) -> bool:
        """Wait until there is something to do, and take what is queued; tells whether to go on."""
        with self._condition:
            while True:
                now = time.monotonic()
                if self._deadline is not None and (not self._since or now >= self._deadline):
                    self._thread = None  # while nobody can queue more and take it for running
                    self._condition.notify_all()
                    return False
                if (start := self._next_step()) <= now:
                    break
                if self._deadline is not None:
                    start = min(start, self._deadline)
                self._condition.wait(min(start - now, threading.TIMEOUT_MAX))
            # Two at least: whether the sink or an event is at fault shows when the sink takes another.
            while self._queued and len(self._forwarder.pending) < max(2, self._settings.max_batch):
                self._forwarder.pending.append(self._queued.popleft())
            return True

    def _next_step(self) -> float:
        """When to go on, on the monotonic clock."""
        if self._forwarder.holds_up_others:
            return self._due
        if self._queued:
            if self._hurried or self._deadline or len(self._queued) >= self._settings.max_batch:
                return 0.0
            return self._since[self._queued[0].number] + self._settings.max_delay
        return self._aside_due if len(self._forwarder) else float("inf")

    def _settled(self, items: Iterable[Item]) -> None:
        with self._condition:
            for item in items:
                del self._since[item.number]
            self._condition.notify_all()
