"""The base class of Background and Spool: checks their arguments, and refuses or drops events if there is no room."""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

from ..events import Event, Sink
from ..sinks.base import (
    BatchSink,
    Unavailable,
    Undeliverable,
    check_of,
    checked_sink,
    raise_failures,
    start_sink,
)
from ..sinks.encoding import decode, encode_and_count, encode_each
from ..system.figures import figure_of
from ..system.fork import ForkSafeLock, PerProcess
from ..system.ids import random_uuid
from ..system.logs import LogThrottle
from .at_exit import close_at_exit
from .closing import close_within
from .retry import Retry
from .stats import DeliveryStats, RepeatedStats

logger = logging.getLogger("pixelmw.delivery")

# An event of more dicts and lists than this may be nested too deep for the thread that decodes it, whose stack may be
# deeper than the request's. So it must be possible to decode it with these levels around it.
_MANY_CONTAINERS = 200
_SPARE_LEVELS = 100

#: What a delivery does with an event if there is no room: raise :class:`Full`, or lose and count it.
WhenFull = Literal["refuse", "drop"]


class Full(Unavailable):
    """There is no room for another event."""


class Delivery(BatchSink):
    """A sink that takes events at once and hands them on to another.

    What waits is the text of each event, as it was taken. The sink gets a new
    dict for each try, so nobody can change what waits.

    :raises TypeError: for an argument of the wrong kind.
    :raises ValueError: for one of the right kind that cannot work.
    :ivar max_batch: events that are handed over at once.
    """

    max_batch: int
    lanes = None  # taking an event waits for nobody

    def __init__(self, sink: Sink, *, retry: Retry, when_full: WhenFull, dead_letter: Sink | None) -> None:
        checked_sink("sink", sink)
        if dead_letter is not None:
            checked_sink("dead_letter", dead_letter)
        if not isinstance(retry, Retry):
            raise TypeError(f"retry is {retry!r}: give a pixelmw.delivery.Retry")
        if when_full not in ("refuse", "drop"):
            raise ValueError(f'when_full is {when_full!r}: give "refuse" or "drop"')
        self.sink = sink
        self.retry = retry
        self.when_full = when_full
        self.dead_letter = dead_letter
        self._check = check_of(sink)
        self._drops: PerProcess[_DropCounter] = PerProcess(_DropCounter)
        close_at_exit(self)

    def write(self, events: Sequence[Event]) -> None:
        """Take *events*, all or none of those that the sink may ever take.

        :raises Undeliverable: for a single event that is not JSON, or that the ``check`` of the sink refuses: it could
            never arrive.
        :raises PartialFailure: for such events among others; all others were taken.
        :raises Full: if there is no room, unless ``when_full`` is "drop"; none was taken.
        """
        payloads, refused = encode_each(self._payload_of, events)
        if payloads:
            self._store_or_drop(list(payloads.values()))
        raise_failures(refused, len(events))

    def __call__(self, event: Event) -> None:
        """Take *event*, and raise as :meth:`write` does."""
        self._store_or_drop([self._payload_of(event)])

    def check(self, event: Event, encoded: bytes) -> None:
        """Ask the ``check`` of the sink behind this, if it has one.

        :raises Undeliverable: if the sink will never take *event*.
        """
        if self._check is not None:
            self._check(event, encoded)

    def _payload_of(self, event: Event) -> bytes:
        """Return *event* as JSON in UTF-8, with a messageId, once the sink has looked at it.

        :raises Undeliverable: if it is not JSON or nested too deep, or if the sink will never take it.
        """
        event = event if event.get("messageId") else {**event, "messageId": random_uuid()}
        payload = _encoded(event)
        self.check(event, payload)
        return payload

    def _store_or_drop(self, payloads: list[bytes]) -> None:
        try:
            self._store(payloads)
        except Full as full:
            if self.when_full == "refuse":
                raise
            self._drops.get().add(len(payloads), full)

    @abstractmethod
    def _store(self, payloads: list[bytes]) -> None:
        """Store events as JSON in UTF-8, all or none, or raise :class:`Full`."""

    def start(self) -> None:
        """Start the sink behind it, if that has a ``start``."""
        start_sink(self.sink)

    @property
    def dropped(self) -> int:
        """How many events this process has dropped because there was no room."""
        return self._drops.get().count

    @abstractmethod
    def _close_worker(self, timeout: float | None) -> bool:
        """Forward what waits and end the thread; returns False if the sink was given nothing."""

    def close(self, timeout: float | None = 10.0) -> None:
        """Forward what waits, within *timeout* seconds, and end the thread; the next event starts another.

        The sink is closed, too, unless this process has taken nothing for it since it was last closed. In
        a child the sink's connections would be its parent's. If the ``close`` of the sink has not returned by then,
        that is logged, and not waited for.
        """
        started = time.monotonic()
        if self._close_worker(timeout):
            remaining = None if timeout is None else max(0.0, timeout - (time.monotonic() - started))
            close_within(self.sink, remaining, owner=self)

    @abstractmethod
    def stats(self) -> DeliveryStats:
        """Return figures about this delivery, by name."""

    @property
    def _repeated(self) -> RepeatedStats:
        """The figure that only the sink knows, if it does."""
        repeated = figure_of(self.sink, "repeated")
        return {} if repeated is None else {"repeated": repeated}


def _encoded(event: Event) -> bytes:
    """Return *event* as JSON in UTF-8.

    :raises Undeliverable: if it is not JSON, or nested too deep.
    """
    payload, containers = encode_and_count(event)
    if containers > _MANY_CONTAINERS:
        try:
            decode(b"[" * _SPARE_LEVELS + payload + b"]" * _SPARE_LEVELS)
        except ValueError as error:
            raise Undeliverable(str(error)) from error
    return payload


class _DropCounter:
    """Counts the events that are dropped, and logs that at most once a minute."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = ForkSafeLock()
        self._log_throttle = LogThrottle()

    def add(self, count: int, why: Full) -> None:
        with self._lock:
            self.count += count
        if self._log_throttle.allows("dropped"):
            logger.warning("%s; %d events have been dropped so far", why, self.count)
