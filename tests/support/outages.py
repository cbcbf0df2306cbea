"""A fallback whose clock stands still until a test moves it, and a first sink that goes down or hangs when told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from pixelmw import Event
from pixelmw.sinks import BatchSink, Unavailable, Undeliverable, fallback
from pixelmw.sinks.together.search import untried
from tests.support.forwarding import Batches
from tests.support.processes import event, wait_until

#: Errors that say nothing about the sink.
NO_WORD_ON_THE_SINK: dict[str, Callable[[], Exception]] = {
    "undeliverable": lambda: Undeliverable("too large"),
    "unknown": lambda: ValueError("?"),
    "no error of the system's": lambda: OSError("the server refused it"),
    "untried, because of others": untried,
}


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class First(Batches):
    """A first sink: it raises *error* if there is one.

    :ivar error: what it raises; it is looked at when a call begins.
    :ivar gates: a call that brings the event of an id hangs until the gate of that id is open.
    """

    def __init__(self) -> None:
        super().__init__(self.end_of_call)
        self.error: BaseException | None = None
        self.gates: dict[str, threading.Event] = {}

    def end_of_call(self, ids: list[str]) -> BaseException | None:
        error = self.error
        for name in self.gates.keys() & set(ids):
            assert self.gates[name].wait(30)
        return error


class Flapping(Batches):
    """Is down for three of seven calls, until it is well; each event is stored under a lock, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.is_well = False
        self.lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        self.write([event])

    def write(self, events: Sequence[Event]) -> None:
        with self.lock:
            self.number += 1
            if self.number % 7 > 3 and not self.is_well:
                raise ConnectionError
            self.stored += [each["messageId"] for each in events]


class Stepping(Clock):
    """Half a second passes whenever somebody looks."""

    def __call__(self) -> float:
        self.now += 0.5
        return self.now


class Pair:
    """A fallback of two sinks that note what they were called with, and its clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.first = First()
        self.second = Batches()
        self.sink: BatchSink = fallback(self.first, self.second, clock=self.clock)

    def put(self, *ids: str) -> None:
        """Hand in one event after another, each by a call of its own."""
        for each in ids:
            self.sink(event(each))

    def write(self, *ids: str) -> None:
        """Hand in one batch."""
        self.sink.write([event(each) for each in ids])

    def stats(self) -> Mapping[str, int]:
        """The figures of the fallback."""
        stats: Mapping[str, int] = getattr(self.sink, "stats")()  # noqa: B009 - not every BatchSink has any
        return stats

    def tried(self) -> int:
        """How many calls the first sink got since this was asked last."""
        count = len(self.first.calls)
        self.first.calls.clear()
        return count

    @contextmanager
    def on_its_way(self, *ids: str) -> Iterator[None]:
        """A thread that hands in a batch, hangs in the first sink while the block runs, and has ended after it."""
        gate = self.first.gates[ids[0]] = threading.Event()
        thread = threading.Thread(target=self.write if len(ids) > 1 else self.put, args=ids)
        thread.start()
        wait_until(lambda: [*ids] in self.first.calls)
        try:
            yield
        finally:
            gate.set()
            thread.join(30)
        assert not thread.is_alive()


def down_pair(retry_after: float | None = None) -> Pair:
    """A pair whose first sink has just been found down."""
    pair = Pair()
    pair.first.error = Unavailable("down", retry_after=retry_after)
    pair.put("finds out")
    assert pair.tried() == 1
    pair.second.stored.clear()
    return pair


def pauses(pair: Pair, count: int) -> list[float]:
    """The length of the next *count* pauses, each of which ends with a probe."""
    found = []
    for _ in range(count):
        started = pair.clock.now
        while not pair.tried():
            pair.clock.now += 0.5
            pair.put("e")
        found.append(pair.clock.now - started)
    return found
