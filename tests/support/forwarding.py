"""What the tests of forwarding share: sinks that fail as they are told, and a bench that steps without waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pixelmw import Event
from pixelmw.delivery import Background, Retry, Spool
from pixelmw.delivery.forward import Forwarder, Item
from pixelmw.sinks.encoding import encode
from tests.support.processes import event

#: What fails: given the ids of a batch, the error that it meets, or None.
Fault = Callable[[list[str]], BaseException | None]


class Calls:
    """A sink that is any callable, and what it was called with."""

    def __init__(self, fault: Fault = lambda ids: None) -> None:
        self.fault = fault
        self.calls: list[list[str]] = []
        self.stored: list[str] = []

    def __call__(self, event: Event) -> None:
        self._store([event["messageId"]])

    def _store(self, ids: list[str]) -> None:
        self.calls.append(ids)
        if (error := self.fault(ids)) is not None:
            raise error
        self.stored += ids


class Batches(Calls):
    """A sink that stores a batch, or nothing of it."""

    def write(self, events: Sequence[Event]) -> None:
        self._store([event["messageId"] for event in events])


class Gated(Batches):
    """A sink that hangs until its gate is opened."""

    def __init__(self) -> None:
        super().__init__(self._wait)
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.closed: list[float | None] = []

    def _wait(self, ids: list[str]) -> None:
        self.entered.set()
        assert self.gate.wait(30)

    def close(self, timeout: float | None = None) -> None:
        self.closed.append(timeout)


def poison(*ids: str, error: Callable[[str], BaseException] = ValueError) -> Fault:
    """Any batch with one of *ids* meets *error*."""
    return lambda batch: error("poison") if set(ids) & set(batch) else None


def always(error: Callable[[str], BaseException]) -> Fault:
    """Whatever is sent meets *error*."""
    return lambda batch: error("down")


class Bench:
    """A forwarder, and what came of its events. Its clock stands still, but for the pauses.

    :ivar now: the seconds of the clock.
    """

    def __init__(self, sink: Calls, ids: Iterable[str] = (), **options: Any) -> None:
        self.sink = sink
        self.done: list[str] = []
        self.dead: list[str] = []
        self.now = 0.0
        options = {"retry": Retry(), "dead_letter": self._bury, "on_done": self._on_done, "max_batch": 500, **options}
        options.setdefault("monotonic", lambda: self.now)
        self.forwarder = Forwarder(sink, **options)
        self._number = 0
        self.queue(ids)

    def _bury(self, event: Event) -> None:
        self.dead.append(event["messageId"])

    def _on_done(self, items: Iterable[Item]) -> None:
        self.done += [item.make_event()["messageId"] for item in items]

    def queue(self, ids: Iterable[str]) -> None:
        """Have events with *ids* forwarded, too."""
        for each in ids:
            self._number += 1
            self.forwarder.pending.append(Item(encode({"messageId": each}), self._number))

    def steps(self, count: int) -> list[float]:
        """Make so many steps, each after the pause that the last one asked for; return the pauses."""
        return [self._step() for _ in range(count)]

    def _step(self) -> float:
        pause = self.forwarder.step()
        self.now += pause
        return pause

    def until(self, condition: Callable[[], bool], most: int = 4000) -> list[float]:
        """Step until *condition* is true, and return the pauses that the steps ask for."""
        pauses: list[float] = []
        while not condition():
            assert len(pauses) < most, f"{len(self.forwarder)} events still wait after {most} steps"
            pauses += self.steps(1)
        return pauses

    def finish(self) -> int:
        """Step until nothing waits any more, and return how many steps that took."""
        return len(self.until(lambda: not len(self.forwarder)))


def put(sink: Callable[[Event], object], messages: Iterable[str]) -> None:
    """Give *sink* an event with each id of *messages*."""
    for each in messages:
        sink(event(each))


def ids(count: int, prefix: str = "e") -> list[str]:
    """So many different ids."""
    return [f"{prefix}{number}" for number in range(count)]


def give_others_until(sink: Background | Spool, others: Sequence[Event], condition: Callable[[], bool]) -> list[str]:
    """Give *sink* one after the other of *others* until *condition* is true; returns the ids of those.

    What failed with an unknown error is proven to be at fault once others were taken again and again.
    """
    given: list[str] = []
    for each in others:
        sink(each)
        given.append(each["messageId"])
        sink.flush(0.02 if len(given) < 100 else 0.5)  # a busy machine takes its time
        if condition():
            return given
    raise AssertionError(f"{len(given)} others were no proof")
