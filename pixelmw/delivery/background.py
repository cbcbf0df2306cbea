"""A queue in memory and a thread that forwards it: fast, and lost in a crash."""

from __future__ import annotations

from ..events import Sink
from ..system.fork import PerProcess
from ..system.threads import UWSGI_THREADS_REMEDY, background_threads_run
from .at_exit import close_at_exit_of_child
from .base import Delivery, WhenFull
from .memory_queue import MemoryQueue
from .retry import Retry
from .room_in_batch import MAX_BATCH
from .stats import BackgroundStats


class Background(Delivery):
    """Queues events in memory, and a thread hands them on: a crash loses what is queued.

    ::

        PixelMiddleware(app, Background(HTTP("https://data-plane.example", WRITE_KEY)))

    The thread starts with the first event, in each process its own. A process
    that ends in order, as on SIGTERM or when its server recycles it, first forwards
    what is queued, within five seconds. If that is not enough, use :class:`Spool`.

    :param sink: any sink; one with ``write`` gets batches. It is called by one thread at a time.
    :param max_queue: events that may wait, those included that the sink is being called with.
    :param max_bytes: memory that they may take, in bytes: their texts, and what is kept beside them. The events of one
        batch are there besides, as dicts.
    :param max_batch: events that are handed over at once; fewer if their texts are more than 1 MiB together.
    :param max_delay: seconds that an event waits for others to join its batch.
    :param retry: when to try again; for ever, unless it says otherwise.
    :param when_full: "refuse" raises :class:`Full`, so that the request is answered 503;
        "drop" loses the event, counts it, and logs that once a minute.
    :param dead_letter: a sink for events that *sink* will not take; without one
        they are logged, and lost.
    :raises TypeError: for an argument of the wrong kind.
    :raises ValueError: for one of the right kind that cannot work.
    :raises RuntimeError: under a server that runs no background threads; it says what to set.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        max_queue: int = 10_000,
        max_bytes: int = 64 * 2**20,
        max_batch: int = MAX_BATCH,
        max_delay: float = 0.5,
        retry: Retry = Retry(),  # noqa: B008 - it is immutable
        when_full: WhenFull = "refuse",
        dead_letter: Sink | None = None,
    ) -> None:
        super().__init__(sink, retry=retry, when_full=when_full, dead_letter=dead_letter)
        if max_queue < 1 or max_bytes < 1 or max_batch < 1 or max_delay < 0:
            raise ValueError("max_queue, max_bytes and max_batch must be at least 1, and max_delay not below 0")
        if not background_threads_run():
            raise RuntimeError(f"{UWSGI_THREADS_REMEDY}, or use Spool and python -m pixelmw drain")
        self.max_queue = max_queue
        self.max_bytes = max_bytes
        self.max_batch = max_batch
        self.max_delay = max_delay
        self._queue: PerProcess[MemoryQueue] = PerProcess(self._make_queue)

    def _make_queue(self) -> MemoryQueue:
        close_at_exit_of_child()
        return MemoryQueue(
            self,
            self.sink,
            retry=self.retry,
            dead_letter=self.dead_letter,
            max_queue=self.max_queue,
            max_bytes=self.max_bytes,
            max_batch=self.max_batch,
            max_delay=self.max_delay,
        )

    def __repr__(self) -> str:
        return f"Background({self.sink!r})"

    def _store(self, payloads: list[bytes]) -> None:
        self._queue.get().put(payloads)

    def flush(self, timeout: float | None = None) -> bool:
        queue = self._queue.existing()
        return queue is None or queue.flush(timeout)

    def _close_worker(self, timeout: float | None) -> bool:
        queue = self._queue.existing()
        return queue is not None and queue.close(timeout)

    def stats(self) -> BackgroundStats:
        """Return the figures of this process; :class:`BackgroundStats` says what each means."""
        return {**self._queue.get().stats(dropped=self.dropped), **self._repeated}
