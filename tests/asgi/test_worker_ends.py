"""Whatever ends a write, or the task that writes: the next event is stored, nobody hangs, and nothing stays counted."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from pixelmw.sinks import BatchSink, PartialFailure, Undeliverable
from tests.support.asgi import ask
from tests.support.asgi_hosts import host, track
from tests.support.gathering import Awaited, Plain, all_at_once, refusing


async def status(app: PixelASGI, user: str = "a") -> int:
    return (await ask(app, track(user)))[0]


class Connecting(BatchSink):
    """Awaits a connection that all writes share, and that a reconnect cancels."""

    timeout = 1.0

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.connection: asyncio.Future[None] | None = None

    async def write(self, events: Sequence[Event]) -> None:  # type: ignore[override]
        if self.connection is None:
            self.connection = asyncio.get_running_loop().create_future()
        await self.connection
        self.stored += [event["userId"] for event in events]


def test_a_write_whose_connection_was_cancelled_fails_once() -> None:
    sink = Connecting()
    app = PixelASGI(host, sink)

    async def run() -> list[int]:
        first = asyncio.ensure_future(status(app, "first"))
        while sink.connection is None:
            await asyncio.sleep(0)
        sink.connection.cancel()
        answers = [await first]
        sink.connection = asyncio.get_running_loop().create_future()
        sink.connection.set_result(None)
        return [*answers, *await asyncio.gather(*(status(app, str(number)) for number in range(10)))]

    assert asyncio.run(run()) == [503] + [200] * 10
    assert len(sink.stored) == 10
    assert app.waiting == 0


@pytest.mark.parametrize("error", [asyncio.CancelledError, GeneratorExit], ids=lambda error: error.__name__)
def test_a_write_that_raises_what_ends_a_task_fails_once(error: type[BaseException]) -> None:
    class Raising(BatchSink):
        fails = True

        async def write(self, events: Sequence[Event]) -> None:  # type: ignore[override]
            if self.fails:
                raise error

    sink = Raising()
    app = PixelASGI(host, sink)

    async def run() -> list[int]:
        answers = [await asyncio.wait_for(status(app), 5)]
        sink.fails = False
        return [*answers, await asyncio.wait_for(status(app), 5)]

    assert asyncio.run(run()) == [503, 200]
    assert app.stats() == {"accepted": 1, "unavailable": 1}


def test_the_end_of_a_loop_lets_nothing_stay_counted_or_alive(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "pixelmw.requests")  # what is kept of a log keeps a traceback, which has a loop

    class Hanging(BatchSink):
        async def write(self, events: Sequence[Event]) -> None:  # type: ignore[override]
            await asyncio.Event().wait()

    sink = Hanging()
    app = PixelASGI(host, sink, max_waiting=10)
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def run() -> int:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        for number in range(10):
            keep.append(asyncio.ensure_future(status(app, str(number))))
        while app.waiting < 10:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        return app.waiting

    for _ in range(3):
        keep: list[Any] = []
        assert asyncio.run(run()) == 10
        assert app.waiting == 0
        keep.clear()
    gc.collect()
    assert [loop() for loop in loops] == [None, None, None]


def test_a_write_has_the_context_variables_of_no_request() -> None:
    visitor: contextvars.ContextVar[str] = contextvars.ContextVar("visitor", default="nobody")
    seen: list[str] = []

    class Looking(BatchSink):
        async def write(self, events: Sequence[Event]) -> None:  # type: ignore[override]
            seen.append(visitor.get())
            await asyncio.sleep(0)

    app = PixelASGI(host, Looking())

    async def one(name: str) -> int:
        visitor.set(name)
        return await status(app, name)

    async def run() -> list[int]:
        return [await asyncio.create_task(one("a")), *await asyncio.gather(one("b"), one("c"))]

    assert asyncio.run(run()) == [200, 200, 200]
    assert set(seen) == {"nobody"}


@pytest.mark.parametrize("kind", [Plain, Awaited])
@pytest.mark.parametrize("places", [{1: None}, {5: ValueError("no")}, {-1: None}], ids=repr)
def test_a_partial_failure_that_names_no_event_of_the_batch_is_no_yes(
    kind: type[Plain | Awaited], places: dict[int, Exception | None]
) -> None:
    def judge(events: Sequence[Event]) -> None:
        raise PartialFailure(places)

    sink = refusing(kind(), judge)
    sink.go_on.set()
    app = PixelASGI(host, sink)
    assert asyncio.run(status(app)) == 503
    assert app.stats() == {"unavailable": 1}


def test_an_awaited_write_that_returns_a_coroutine_is_no_yes() -> None:
    async def store(events: Sequence[Event]) -> None:
        raise AssertionError

    class Forgetful(BatchSink):
        async def write(self, events: Sequence[Event]) -> Any:  # type: ignore[override]
            return store(events)

    app = PixelASGI(host, Forgetful())
    assert asyncio.run(status(app)) == 503
    assert app.stats() == {"unavailable": 1}


@pytest.mark.parametrize("error", [Undeliverable("no"), ValueError("no")], ids=repr)
def test_a_sink_without_turns_refuses_only_the_event_at_fault(error: Exception) -> None:
    class Free(Plain):
        lanes = None

    def judge(events: Sequence[Event]) -> None:
        if any(event["userId"] == "7" for event in events):
            raise error

    sink = refusing(Free(), judge)
    answers = asyncio.run(all_at_once(PixelASGI(host, sink), sink, waiting=1))
    assert [number for number, each in enumerate(answers) if each != 200] == [7]
    assert sorted(sink.stored) == sorted(str(number) for number in range(64) if number != 7)
    assert max(sink.sizes) > 1


async def ends_at_once(*arguments: object) -> None:
    raise SystemExit(3)


async def ends_later(*arguments: object) -> None:
    await asyncio.sleep(0)
    raise SystemExit(3)


@pytest.mark.parametrize("ends", [ends_at_once, ends_later])
@pytest.mark.parametrize("is_write", [False, True])
def test_a_loop_off_the_main_thread_outlives_a_sink_that_ends_its_thread(ends: Any, is_write: bool) -> None:
    class Ending(BatchSink):
        async def write(self, events: Sequence[Event]) -> None:  # type: ignore[override]
            await ends()

    app = PixelASGI(host, Ending() if is_write else ends)
    answers: list[int] = []

    async def run() -> None:
        answers.extend([await status(app), await status(app)])

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join(20)
    assert answers == [503, 503]
    assert app.stats() == {"unavailable": 2}
    assert app.waiting == 0


def test_a_task_factory_of_the_hosts_may_know_no_context() -> None:
    sink = Awaited()
    sink.go_on.set()
    app = PixelASGI(host, sink)

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coroutine, loop=loop)

    async def run() -> list[int]:
        asyncio.get_running_loop().set_task_factory(factory)  # as they were before 3.11
        return [await status(app, "a"), await status(app, "b")]

    assert asyncio.run(run()) == [200, 200]
    assert sink.stored == ["a", "b"]


def test_a_worker_that_is_cancelled_before_it_begins_answers_at_once() -> None:
    sink = Awaited()
    sink.go_on.set()
    app = PixelASGI(host, sink)

    async def run() -> list[int]:
        me = asyncio.current_task()
        before = asyncio.all_tasks()
        request = asyncio.ensure_future(status(app, "a"))
        while not (begun := asyncio.all_tasks() - before - {request}):
            await asyncio.sleep(0)
        for task in begun - {me}:
            task.cancel()
        answers = [await asyncio.wait_for(request, 5)]
        return [*answers, await asyncio.wait_for(status(app, "b"), 5)]

    assert asyncio.run(run())[1] == 200
    assert app.waiting == 0
