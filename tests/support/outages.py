"""A fallback whose clock stands still until a test moves it, and a first sink that goes down or hangs when told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pixelmw.sinks import BatchSink, fallback
from tests.support.forwarding import Batches
from tests.support.processes import event, wait_until


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
