"""Visitors who come at the same time, and a sink whose destination does what the test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pixelmw import Event
from pixelmw.sinks import BatchSink
from pixelmw.sinks.together import waiting
from tests.support.processes import wait_until


def ids(events: Sequence[Event]) -> list[str]:
    """The messageIds of *events*."""
    return [event["messageId"] for event in events]


class Destination(BatchSink):
    """Keeps what it stores; *answer* is called with each batch first, and may raise or wait.

    :ivar calls: the ids of each call.
    :ivar most_inside: the most calls of ``write`` and ``close`` that ran at the same time.
    """

    def __init__(self, answer: Callable[[list[Event]], object] = lambda events: None, timeout: float = 20.0) -> None:
        self.answer = answer
        self.timeout = timeout
        self.calls: list[list[str]] = []
        self.stored: list[Event] = []
        self.closed = 0
        self.most_inside = 0
        self._inside: list[int] = []

    def write(self, events: Sequence[Event]) -> None:
        """Store *events*."""
        with self._counted():
            self.calls.append(ids(events))
            self.answer(list(events))
            self.stored.extend(events)

    def close(self, timeout: float | None = None) -> None:
        """Count this."""
        with self._counted():
            self.closed += 1

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._inside.append(threading.get_ident())
        self.most_inside = max(self.most_inside, len(self._inside))
        try:
            yield
        finally:
            self._inside.remove(threading.get_ident())


class TwoLanes(Destination):
    """Takes two batches at a time."""

    lanes = 2


class Visitors:
    """Threads that each give *store* one event, and what each was told, and how long that took."""

    def __init__(self, store: Callable[[Event], object]) -> None:
        self.store = store
        self.told: dict[str, BaseException | None] = {}
        self.seconds: dict[str, float] = {}
        self._threads: list[threading.Thread] = []

    def come(self, *events: Event) -> Visitors:
        """Start a thread for each event."""
        for event in events:
            self._threads.append(threading.Thread(target=self._visit, args=(event,)))
            self._threads[-1].start()
        return self

    def come_in_line(self, sink: BatchSink, *events: Event) -> Visitors:
        """Start a thread for each event, each once the one before waits for *sink*."""
        for event in events:
            before = waiting(sink)
            self.come(event)
            wait_until(lambda: waiting(sink) > before)  # noqa: B023 - it is waited for at once
        return self

    def leave(self) -> Visitors:
        """Wait until each has been told something."""
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()
        return self

    @property
    def refused(self) -> list[str]:
        """The ids of the events that were not stored, as their visitors were told."""
        return sorted(message_id for message_id, error in self.told.items() if error is not None)

    @property
    def longest(self) -> float:
        """The longest that one of them has waited, in seconds."""
        return max(self.seconds.values())

    def _visit(self, event: Event) -> None:
        came, message_id = time.monotonic(), event["messageId"]  # the sink may change the event
        error: BaseException | None = None
        try:
            self.store(event)
        except BaseException as raised:
            error = raised
        self.seconds[message_id] = time.monotonic() - came
        self.told[message_id] = error


@contextmanager
def busy(sink: Destination) -> Iterator[None]:
    """Keep *sink* busy with an event of its own within the block."""
    goes_on, answer = threading.Event(), sink.answer
    began = threading.Event()

    def wait(events: list[Event]) -> None:
        sink.answer = answer
        began.set()
        goes_on.wait(30)

    sink.answer = wait
    visitor = Visitors(sink).come({"messageId": "first"})
    began.wait(30)
    try:
        yield
    finally:
        goes_on.set()
        visitor.leave()
