"""What Background and Spool have in common: arguments, what happens when they are full, and the end of the process."""

from __future__ import annotations

import atexit
import logging
import time
import weakref
from abc import abstractmethod
from collections.abc import Sequence

from ..events import Event, Sink
from ..sinks.base import BatchSink, Unavailable, Undeliverable, close_sink, raise_failures
from ..sinks.encoding import encode
from ..system.fork import ForkSafeLock, PerProcess
from ..system.ids import random_uuid
from ..system.logs import LogThrottle
from .retry import Retry

logger = logging.getLogger("pixelmw")

#: Seconds that the exit of a process may be delayed to forward what is waiting.
EXIT_TIMEOUT = 5.0


class Full(Unavailable):
    """There is no room for another event."""


class Delivery(BatchSink):
    """A sink that takes events at once and hands them on to another.

    What waits is the text of each event, as it was taken: the sink gets a new
    dict for each try, and nobody can change what waits.

    :raises TypeError: for an argument of the wrong kind.
    :raises ValueError: for one of the right kind that cannot work.
    """

    def __init__(self, sink: Sink, *, retry: Retry, when_full: str, dead_letter: Sink | None) -> None:
        if not callable(sink):
            raise TypeError(f"sink is {sink!r}: give any callable that takes an event")
        if dead_letter is not None and not callable(dead_letter):
            raise TypeError(f"dead_letter is {dead_letter!r}: give any callable that takes an event, or None")
        if not isinstance(retry, Retry):
            raise TypeError(f"retry is {retry!r}: give a pixelmw.delivery.Retry")
        if when_full not in ("refuse", "drop"):
            raise ValueError(f'when_full is {when_full!r}: give "refuse" or "drop"')
        self.sink = sink
        self.retry = retry
        self.when_full = when_full
        self.dead_letter = dead_letter
        self._drops: PerProcess[_Drops] = PerProcess(_Drops)
        _open.add(self)

    def write(self, events: Sequence[Event]) -> None:
        """Take *events*, all or none of those that are JSON.

        :raises Undeliverable: for a single event that is not JSON, which no sink could ever have.
        :raises PartialFailure: for such events among others; all others were taken.
        :raises Full: where there is no room, unless ``when_full`` is "drop"; none was taken.
        """
        payloads: list[bytes] = []
        refused: dict[int, Exception] = {}
        for place, event in enumerate(events):
            try:
                payloads.append(_payload(event))
            except Undeliverable as error:
                refused[place] = error
        if payloads:
            self._take(payloads)
        raise_failures(refused, len(events))

    def __call__(self, event: Event) -> None:
        """Take *event*, and raise as :meth:`write` does."""
        self._take([_payload(event)])

    def _take(self, payloads: list[bytes]) -> None:
        try:
            self._put(payloads)
        except Full as full:
            if self.when_full == "refuse":
                raise
            self._drops.get().add(len(payloads), full)

    @abstractmethod
    def _put(self, payloads: list[bytes]) -> None:
        """Take events as JSON in UTF-8, all or none, or raise :class:`Full`."""

    @property
    def dropped(self) -> int:
        """How many events this process has dropped because there was no room."""
        return self._drops.get().count

    @abstractmethod
    def _end(self, timeout: float | None) -> bool:
        """Forward what waits, end the thread; ``False`` where this process has taken nothing."""

    def close(self, timeout: float | None = 10.0) -> None:
        """Forward what waits, within *timeout* seconds, and end the thread; the next event starts another.

        The sink is closed, too, unless this process has taken nothing for it: in a child, its connections would be
        its parent's.
        """
        started = time.monotonic()
        if self._end(timeout):
            close_sink(self.sink, None if timeout is None else max(0.0, timeout - (time.monotonic() - started)))

    @abstractmethod
    def stats(self) -> dict[str, float]:
        """Figures about this process, by name."""


def _payload(event: Event) -> bytes:
    """*event* as JSON in UTF-8, with an id by which a second copy of it is told.

    :raises Undeliverable: where it is not JSON.
    """
    return encode(event if event.get("messageId") else {**event, "messageId": random_uuid()})


class _Drops:
    """Counts what is dropped, and tells of it, but not each time."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = ForkSafeLock()
        self._log_throttle = LogThrottle()

    def add(self, count: int, why: Full) -> None:
        with self._lock:
            self.count += count
        if self._log_throttle.allows("dropped"):
            logger.warning("%s; %d events have been dropped so far", why, self.count)


_open: weakref.WeakSet[Delivery] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Forward what is waiting, all within one deadline. In a child that took no event there is nothing to do."""
    deadline = time.monotonic() + EXIT_TIMEOUT
    for delivery in list(_open):
        try:
            delivery.close(max(0.0, deadline - time.monotonic()))
        except Exception:
            logger.exception("%r was not closed", delivery)
