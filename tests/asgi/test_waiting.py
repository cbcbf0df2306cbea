"""What waits in the ASGI shell has bounds in number, size and time, and nobody who leaves takes an event along."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from tests.support.asgi import ask
from tests.support.asgi_hosts import host, track
from tests.support.gathering import MANY, Awaited, Plain, all_at_once, statuses


@pytest.fixture(params=[Plain, Awaited])
def sink(request: pytest.FixtureRequest) -> Plain | Awaited:
    made: Plain | Awaited = request.param()
    return made


def test_past_max_waiting_the_answer_is_503_at_once(sink: Plain | Awaited) -> None:
    app = PixelASGI(host, sink, max_waiting=10)
    answers = asyncio.run(all_at_once(app, sink, 30, 10))
    assert answers == [200] * 10 + [503] * 20
    assert len(sink.stored) == 10


def test_past_16_mib_the_answer_is_503_at_once() -> None:
    sink = Plain()
    app = PixelASGI(host, sink)
    large = "x" * 30_000

    async def ask_all() -> list[int]:
        asked = [asyncio.ensure_future(ask(app, track(str(number), f"&properties.a={large}"))) for number in range(700)]
        while not all(request.done() for request in asked) and app.waiting + sum(each.done() for each in asked) < 700:
            await asyncio.sleep(0.001)
        sink.go_on.set()
        return [status for status, _, _ in await asyncio.gather(*asked)]

    answers = asyncio.run(ask_all())
    assert 500 < answers.count(200) < 560
    assert answers.count(503) == 700 - answers.count(200)
    assert len(sink.stored) == answers.count(200)


def test_threads_have_a_bound_too() -> None:
    go_on = threading.Event()
    app = PixelASGI(host, lambda event: go_on.wait(20), threads=2, max_waiting=10)

    async def ask_all() -> list[int]:
        asked = asyncio.ensure_future(statuses(app, 30))
        while app.waiting < 10:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        go_on.set()
        return await asked

    answers = asyncio.run(ask_all())
    assert sorted(answers) == [200] * 10 + [503] * 20


@pytest.mark.parametrize("kind", [Plain, Awaited])
def test_nobody_waits_longer_than_twice_the_timeout(kind: type[Plain | Awaited]) -> None:
    sink = kind()
    sink.timeout = 0.3
    app = PixelASGI(host, sink)

    async def ask_all() -> tuple[list[int], list[float]]:
        loop = asyncio.get_running_loop()
        took: list[float] = []

        async def one(number: int) -> int:
            began = loop.time()
            status, _, _ = await ask(app, track(str(number)))
            took.append(loop.time() - began)
            return status

        first = asyncio.ensure_future(one(0))
        while app.waiting < 1:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        others = await asyncio.gather(*(one(number) for number in range(1, MANY)))
        await asyncio.sleep(0.5)  # until the write is older than twice its time
        began = loop.time()
        at_once = await one(MANY)
        assert loop.time() - began < 0.25
        sink.go_on.set()
        return [*others, at_once, await first], took

    answers, took = asyncio.run(ask_all())
    assert answers[:-1] == [503] * MANY
    assert answers[-1] == 200  # a write that returns has stored its event, however late
    assert max(sorted(took)[:-1]) < 2 * 0.3 + 1
    assert sink.stored == ["0"]  # whoever was answered 503 was not tried


def test_two_loops_share_a_sink_and_a_loop_that_is_closed_holds_up_nobody() -> None:
    sink = Plain()
    app = PixelASGI(host, sink)
    loop = asyncio.new_event_loop()
    forgotten = loop.create_task(ask(app, track("forgotten")))
    while not sink.sizes:
        loop.run_until_complete(asyncio.sleep(0.001))
    forgotten.cancel()
    loop.run_until_complete(asyncio.gather(forgotten, return_exceptions=True))
    loop.close()

    in_other_thread: list[list[int]] = []
    thread = threading.Thread(target=lambda: in_other_thread.append(asyncio.run(statuses(app, 20))))
    thread.start()
    while app.waiting < 21:
        pass
    sink.go_on.set()
    thread.join(20)
    assert in_other_thread == [[200] * 20]
    assert asyncio.run(statuses(app, 5)) == [200] * 5
    assert len(sink.stored) == 26


@pytest.mark.parametrize("kind", ["batch", "awaited batch", "plain", "async"])
def test_a_client_that_goes_away_cancels_nothing_and_its_event_is_counted(kind: str) -> None:
    plain, awaited = Plain(), Awaited()

    def store(event: Event) -> None:
        plain.write([event])

    async def store_async(event: Event) -> None:
        await awaited.write([event])

    sinks: dict[str, Any] = {"batch": plain, "awaited batch": awaited, "plain": store, "async": store_async}
    keeper = awaited if "a" in kind and kind in ("awaited batch", "async") else plain
    app = PixelASGI(host, sinks[kind])

    async def go_away() -> None:
        request = asyncio.ensure_future(ask(app, track("gone")))
        while app.waiting < 1:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert app.stats() == {}
        keeper.go_on.set()
        while not app.stats():
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(go_away(), 20))
    assert keeper.stored == ["gone"]
    assert app.stats() == {"accepted": 1}
