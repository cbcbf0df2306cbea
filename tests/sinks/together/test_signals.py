"""A handler of a signal that stores, or closes, in the thread that it interrupts may fail; nobody waits for nothing."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pixelmw import Event
from pixelmw.sinks import Unavailable
from pixelmw.sinks.base import close_sink
from pixelmw.sinks.together import Busy, store
from pixelmw.sinks.together.blame import judge
from pixelmw.sinks.together.lines import line_of
from tests.support.processes import event, wait_until
from tests.support.visitors import Destination, Visitors, ids

TIMEOUT = 5.0


@contextmanager
def handling(number: signal.Signals, handle: Callable[..., object]) -> Iterator[None]:
    before = signal.signal(number, handle)
    try:
        yield
    finally:
        signal.signal(number, before)


def store_as_a_worker(sink: Destination) -> None:
    store(sink, [event("main")], worker=True)


#: What the main thread is at, waiting.
WAYS: dict[str, Callable[[Destination], object]] = {
    "it leads": lambda sink: sink(event("main")),
    "it follows": lambda sink: sink(event("main")),
    "it stands behind": store_as_a_worker,
    "it closes": close_sink,
}
HANDLERS: dict[str, Callable[[Destination], object]] = {
    "store": lambda sink: sink(event("handler")),
    "several": lambda sink: sink.write([event("handler"), event("handler 2")]),
    "worker": lambda sink: store(sink, [event("handler")], worker=True),
}


class Held:
    """A sink that is busy with the event of another thread until it is told to go on, and a thread that interrupts."""

    def __init__(self, way: str) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.sink = Destination(self._hold, timeout=TIMEOUT)
        self.visitors = Visitors(self.sink).come(event("holder"))
        assert self.begun.wait(20)
        if way == "it follows":
            self.visitors.come_in_line(self.sink, event("leader"))

    def _hold(self, events: list[Event]) -> None:
        if ids(events) == ["holder"]:
            self.begun.set()
            self.go.wait(20)

    def interrupted(self, way: str, handle: Callable[[], object], afterwards: Callable[[], object]) -> None:
        """Have this thread wait, and a handler run meanwhile; *afterwards* is called in the thread that interrupts."""
        lanes, main = line_of(self.sink, judge).group.lanes, threading.get_ident()

        def interrupt() -> None:
            wait_until(lambda: lanes.in_line.keys() | {turn.thread for turn in lanes.wanted_whole} >= {main})
            signal.pthread_kill(main, signal.SIGUSR1)
            afterwards()

        interrupting = threading.Thread(target=interrupt)
        with handling(signal.SIGUSR1, lambda *arguments: handle()):
            interrupting.start()
            WAYS[way](self.sink)
            interrupting.join(20)
        assert self.visitors.leave().refused == []


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("way", WAYS)
def test_who_waits_and_is_interrupted_does_not_wait_for_himself(way: str, handler: str) -> None:
    held, told = Held(way), list[Exception]()

    def handle() -> None:
        try:
            HANDLERS[handler](held.sink)
        except Exception as error:
            told.append(error)

    def let_it_go_on() -> None:
        wait_until(lambda: bool(told))
        held.visitors.come(event("later"))
        held.go.set()

    held.interrupted(way, handle, let_it_go_on)
    assert [type(error) for error in told] == [RuntimeError]
    assert "in the middle of another call of this thread" in str(told[0])
    assert ids(held.sink.stored).count("main") == (way != "it closes")
    held.sink(event("after"))
    assert "after" in ids(held.sink.stored)


@pytest.mark.parametrize("way", WAYS)
def test_a_handler_may_close_where_the_thread_waits(way: str) -> None:
    """Where the thread itself waits to close, the handler is told that the sink is busy, and the thread closes it."""
    held, told = Held(way), list[str]()

    def handle() -> None:
        try:
            close_sink(held.sink)
            told.append("closed")
        except Busy:
            told.append("busy")

    held.interrupted(way, handle, lambda: threading.Timer(0.1, held.go.set).start())
    assert told == ["busy" if way == "it closes" else "closed"]
    assert held.sink.closed == 1
    assert held.sink.most_inside == 1


@pytest.mark.parametrize("in_handler", ["store", "close"])
def test_a_signal_handler_that_stores_may_fail_and_hangs_nobody(in_handler: str) -> None:
    sink = Destination()
    told: list[BaseException | None] = []

    def handle(*arguments: object) -> None:
        try:
            if in_handler == "store":
                sink(event("handler"))
            else:
                sink.close()
            told.append(None)
        except (RuntimeError, Unavailable) as error:
            told.append(error)

    def visit(each: Event) -> None:
        for _ in range(200):
            sink(each)

    before = signal.signal(signal.SIGALRM, handle)
    try:
        others = Visitors(visit).come(*(event(str(number)) for number in range(3)))
        armed, deadline = 0, time.monotonic() + 20
        while len(told) < 300 and time.monotonic() < deadline:
            if len(told) == armed:  # once more: a handler that takes longer than its timer would be all that runs
                armed += 1
                signal.setitimer(signal.ITIMER_REAL, 0.0001 + armed % 50 * 1e-5)
            sink(event("main"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert others.leave().refused == []
    assert len(told) > 10
    assert ids(sink.stored).count("handler") == (told.count(None) if in_handler == "store" else 0)
