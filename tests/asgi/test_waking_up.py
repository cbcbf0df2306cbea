"""Whenever a call ends, a request is cancelled or no thread can start, each event is counted once, as what it is."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from tests.support.asgi import ask
from tests.support.asgi_hosts import host, track
from tests.support.gathering import Plain

TURNS = 8  # more than the loop takes from the end of a call until its request goes on


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("turns", range(TURNS))
def test_a_request_that_is_cancelled_while_its_sink_ends_is_counted_as_stored(turns: int) -> None:
    stored: list[Event] = []

    async def ask_and_leave() -> None:
        go_on = asyncio.Event()

        async def sink(event: Event) -> None:
            await go_on.wait()
            stored.append(event)

        app = PixelASGI(host, sink)
        request = asyncio.ensure_future(ask(app, track("a")))
        await until(lambda: app.waiting)
        go_on.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        request.cancel()
        await asyncio.wait([request], timeout=20)
        await until(app.stats)
        assert app.stats() == {"accepted": 1}
        assert app.waiting == 0

    asyncio.run(ask_and_leave())
    assert len(stored) == 1


@pytest.mark.parametrize("cancels_first", [True, False])
def test_a_request_that_is_cancelled_in_the_turn_in_which_a_thread_answers_is_counted(cancels_first: bool) -> None:
    go_on, stored = threading.Event(), threading.Event()

    def sink(event: Event) -> None:
        go_on.wait(20)

    async def ask_and_leave() -> None:
        app = PixelASGI(host, sink)
        loop = asyncio.get_running_loop()
        request = asyncio.ensure_future(ask(app, track("a")))
        await until(lambda: app.waiting)
        if cancels_first:
            loop.call_soon(request.cancel)
        go_on.set()
        while app.waiting:  # without a turn of the loop, so that both come in the next one
            stored.wait(0.001)
        if not cancels_first:
            loop.call_later(0, request.cancel)
        await asyncio.wait([request], timeout=20)
        await until(app.stats)
        assert app.stats() == {"accepted": 1}

    asyncio.run(ask_and_leave())


def test_an_async_sink_runs_in_a_task_of_its_own_with_the_variables_of_the_request() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    seen: list[tuple[str, Any]] = []

    async def sink(event: Event) -> None:
        seen.append((variable.get(), asyncio.current_task()))
        variable.set("the sink's")
        await asyncio.sleep(0)
        seen.append((variable.get(), asyncio.current_task()))

    async def ask_once() -> None:
        variable.set("set")
        assert (await ask(PixelASGI(host, sink), track("a")))[0] == 200
        assert variable.get() == "set"
        (first, task), (second, same) = seen
        assert (first, second) == ("set", "the sink's")
        assert task is same is not asyncio.current_task()

    asyncio.run(ask_once())


def test_a_time_limit_within_an_async_sink_is_the_sinks() -> None:
    async def sink(event: Event) -> None:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()

    assert asyncio.run(ask(PixelASGI(host, sink), track("a")))[0] == 503


def test_whoever_sets_a_task_factory_sees_the_task_of_an_async_sink() -> None:
    made: list[str] = []

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coroutine.__name__)
        return asyncio.Task(coroutine, loop=loop, **options)

    async def sink(event: Event) -> None: ...

    async def ask_once() -> None:
        asyncio.get_running_loop().set_task_factory(factory)
        assert (await ask(PixelASGI(host, sink), track("a")))[0] == 200

    asyncio.run(ask_once())
    assert made.count("sink") == 1


def test_an_async_sink_that_cannot_be_called_is_answered_and_does_not_stay_among_what_waits() -> None:
    async def takes_nothing() -> None: ...

    app = PixelASGI(host, takes_nothing, max_waiting=2)  # type: ignore[arg-type]

    async def ask_all() -> list[int]:
        return [(await ask(app, track(str(number))))[0] for number in range(4)]

    assert asyncio.run(ask_all()) == [503] * 4
    assert app.waiting == 0
    assert app.stats() == {"unavailable": 4}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a stack of this size is an error")
@pytest.mark.parametrize("kind", ["batch", "plain"])
def test_where_no_thread_can_start_the_answer_is_503_and_later_ones_are_stored(kind: str) -> None:
    sink = Plain()
    sink.go_on.set()
    app = PixelASGI(host, sink if kind == "batch" else lambda event: sink.write([event]))

    async def ask_all() -> list[int]:
        with without_threads():
            refused = [(await ask(app, track(str(number))))[0] for number in range(3)]
        async with asyncio.timeout(20):
            return [*refused, *[(await ask(app, track(str(number))))[0] for number in range(3, 6)]]

    assert asyncio.run(ask_all()) == [503] * 3 + [200] * 3
    assert sink.stored == ["3", "4", "5"]
    assert app.waiting == 0


class TwoLanes(Plain):
    lanes = 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a stack of this size is an error")
def test_where_no_more_threads_can_start_those_that_run_store_all() -> None:
    sink = TwoLanes()
    app = PixelASGI(host, sink)

    async def ask_both() -> list[int]:
        first = asyncio.ensure_future(ask(app, track("first")))
        await until(lambda: sink.sizes)
        with without_threads():
            second = asyncio.ensure_future(ask(app, track("second")))
            await until(lambda: app.waiting == 2)
        sink.go_on.set()
        return [status for status, _, _ in await asyncio.gather(first, second)]

    assert asyncio.run(asyncio.wait_for(ask_both(), 20)) == [200] * 2
    assert sink.stored == ["first", "second"]


def test_an_interrupt_within_an_async_sink_passes_on_and_leaves_nothing_waiting() -> None:
    async def sink(event: Event) -> None:
        raise KeyboardInterrupt

    app = PixelASGI(host, sink)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(ask(app, track("a")))
    assert app.waiting == 0


@contextmanager
def without_threads() -> Iterator[None]:
    """No thread can start, since its stack would have no room among all addresses."""
    before = threading.stack_size(2**62)
    try:
        yield
    finally:
        threading.stack_size(before)
