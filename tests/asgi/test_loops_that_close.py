"""An event loop is closed in the middle of requests: each is counted as what became of it, and none keeps a place."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pixelmw import Event, Rejected
from pixelmw.asgi import PixelASGI
from pixelmw.sinks import BatchSink, Undeliverable
from tests.support.asgi import ask
from tests.support.asgi_hosts import host, track


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Kept(BatchSink):
    """Waits until it is let go on; refuses the user ``bad``."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.stored: list[str] = []

    def write(self, events: Sequence[Event]) -> None:
        self.begun.set()
        self.go_on.wait(20)
        if any(event["userId"] == "bad" for event in events):
            raise Undeliverable("not that one")
        self.stored += [event["userId"] for event in events]


def run_and_cancel(app: PixelASGI, user: str, begun: threading.Event) -> asyncio.Task[Any]:
    """As ``asyncio.run`` does whose main task ends before the request."""

    async def main() -> asyncio.Task[Any]:
        request = asyncio.ensure_future(ask(app, track(user)))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        return request

    return asyncio.run(main())


def run_and_drop(app: PixelASGI, user: str, begun: threading.Event) -> asyncio.Task[Any]:
    """As a host that closes its loop with tasks in it."""
    loop = asyncio.new_event_loop()
    request = loop.create_task(ask(app, track(user)))
    while not begun.is_set():
        loop.run_until_complete(asyncio.sleep(0.001))
    loop.close()
    return request


@pytest.mark.parametrize("end", [run_and_cancel, run_and_drop])
@pytest.mark.parametrize("kind", ["batch", "plain"])
@pytest.mark.parametrize(("user", "outcome"), [("good", "accepted"), ("bad", "undeliverable")])
def test_what_a_thread_stores_after_the_end_of_the_loop_is_counted(
    user: str, outcome: str, kind: str, end: Callable[..., asyncio.Task[Any]]
) -> None:
    sink = Kept()
    refused: list[Rejected] = []
    app = PixelASGI(host, sink if kind == "batch" else lambda event: sink.write([event]), on_reject=refused.append)
    request = end(app, user, sink.begun)
    sink.go_on.set()
    until(app.stats)
    assert app.stats() == {outcome: 1}
    assert app.waiting == 0
    assert [refusal.code for refusal in refused] == ([] if outcome == "accepted" else [outcome])
    assert sink.stored == ([user] if outcome == "accepted" else [])
    del request


@pytest.mark.parametrize("sink_is_awaited", [False, True])
def test_a_sink_whose_turn_comes_after_the_end_of_the_loop(sink_is_awaited: bool) -> None:
    kept = Kept()
    stored: list[Event] = []

    def enrich(event: Event, request: object) -> None:
        kept.write([event])

    async def awaited(event: Event) -> None:
        raise AssertionError("there is no loop for it")

    app = PixelASGI(host, awaited if sink_is_awaited else stored.append, enrich=[enrich])
    run_and_cancel(app, "good", kept.begun)
    kept.go_on.set()
    until(app.stats)
    assert app.stats() == {"unavailable" if sink_is_awaited else "accepted": 1}
    assert len(stored) == (not sink_is_awaited)


class Unending(BatchSink):
    """Waits for ever while its loop is to be dropped."""

    waits = True

    async def write(self, events: Sequence[Event]) -> None:  # type: ignore[override]
        if self.waits:
            await asyncio.Event().wait()

    async def store(self, event: Event) -> None:
        await self.write([event])


@pytest.mark.parametrize("kind", ["async", "awaited batch"])
def test_a_loop_that_is_closed_with_tasks_in_it_keeps_no_place_and_no_memory(kind: str) -> None:
    logging.disable()  # asyncio says of each task that it was destroyed
    sink = Unending()
    app = PixelASGI(host, sink.store if kind == "async" else sink, max_waiting=10)
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    def drop_ten() -> None:
        loop = asyncio.new_event_loop()
        loops.append(weakref.ref(loop))
        tasks = [loop.create_task(ask(app, track(str(number)))) for number in range(11)]
        while not tasks[-1].done():  # the eleventh is refused
            loop.run_until_complete(asyncio.sleep(0))
        assert tasks[-1].result()[0] == 503
        loop.close()

    try:
        for _ in range(3):
            drop_ten()
        sink.waits = False
        assert asyncio.run(ask(app, track("a")))[0] == 200
        assert app.waiting == 0
        gc.collect()
        assert [loop() for loop in loops] == [None, None, None]
        assert app.stats() == {"accepted": 1, "unavailable": 33}
    finally:
        logging.disable(logging.NOTSET)
