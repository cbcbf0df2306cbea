"""Events that come while a sink writes share the next write; each is judged for itself, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from pixelmw.delivery import Background, Spool
from pixelmw.sinks import BatchSink, PartialFailure, Unavailable, Undeliverable, fallback, fan_out
from tests.support.asgi import ask
from tests.support.asgi_hosts import host, track

MANY = 64


async def statuses(app: PixelASGI, count: int = MANY) -> list[int]:
    answers = await asyncio.gather(*(ask(app, track(str(number))) for number in range(count)))
    return [status for status, _, _ in answers]


class Plain(BatchSink):
    """Keeps what it stores, and how much at a time; the first write waits until it is let go on."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.sizes: list[int] = []
        self.go_on = threading.Event()
        self.threads: set[int] = set()

    def write(self, events: Sequence[Event]) -> None:
        self.threads.add(threading.get_ident())
        self.sizes.append(len(events))
        if len(self.sizes) == 1:
            self.go_on.wait(20)
        self.judge(events)
        self.stored += [event["userId"] for event in events]

    def judge(self, events: Sequence[Event]) -> None:
        """What the subclasses object to."""


class Awaited(BatchSink):
    """The same as an async def."""

    def __init__(self) -> None:
        self.plain = Plain()

    @property
    def stored(self) -> list[str]:
        return self.plain.stored

    @property
    def sizes(self) -> list[int]:
        return self.plain.sizes

    @property
    def go_on(self) -> threading.Event:
        return self.plain.go_on

    async def write(self, events: Sequence[Event]) -> None:  # type: ignore[override]
        while not self.sizes and not self.go_on.is_set():
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        self.plain.go_on.set()
        self.plain.write(events)


def refusing(sink: Plain | Awaited, judge: Callable[[Sequence[Event]], None]) -> Plain | Awaited:
    (sink.plain if isinstance(sink, Awaited) else sink).judge = judge  # type: ignore[assignment, method-assign]
    return sink


async def all_at_once(app: PixelASGI, sink: Plain | Awaited, count: int = MANY, waiting: int = MANY) -> list[int]:
    """Ask for *count* events, of which one is under way until *waiting* have come."""
    asked = asyncio.ensure_future(statuses(app, count))
    while app.waiting < waiting and not asked.done():
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    sink.go_on.set()
    return await asked


@pytest.fixture(params=[Plain, Awaited])
def sink(request: pytest.FixtureRequest) -> Plain | Awaited:
    made: Plain | Awaited = request.param()
    return made


def test_what_comes_during_a_write_shares_the_next_one(sink: Plain | Awaited) -> None:
    app = PixelASGI(host, sink)
    assert asyncio.run(all_at_once(app, sink)) == [200] * MANY
    assert sorted(sink.stored) == sorted(map(str, range(MANY)))
    assert sink.sizes in ([1, MANY - 1], [MANY])  # before the first write had begun, all may have come
    assert app.waiting == 0


def test_a_batch_has_at_most_most_together_events(sink: Plain | Awaited) -> None:
    type(sink).most_together = 10
    try:
        assert asyncio.run(all_at_once(PixelASGI(host, sink), sink)) == [200] * MANY
        assert max(sink.sizes) == 10
    finally:
        del type(sink).most_together


def test_only_the_event_at_fault_is_refused(sink: Plain | Awaited) -> None:
    def judge(events: Sequence[Event]) -> None:
        if any(event["userId"] == "7" for event in events):
            raise ValueError("one of these")

    app = PixelASGI(host, refusing(sink, judge))
    answers = asyncio.run(all_at_once(app, sink))
    assert [number for number, status in enumerate(answers) if status != 200] == [7]
    assert sorted(sink.stored) == sorted(str(number) for number in range(MANY) if number != 7)


def test_what_the_sink_never_takes_is_422_for_that_event_only(sink: Plain | Awaited) -> None:
    def judge(events: Sequence[Event]) -> None:
        at_fault = [place for place, event in enumerate(events) if event["userId"] in ("3", "8")]
        if at_fault:
            raise PartialFailure({place: Undeliverable("no") for place in at_fault})

    answers = asyncio.run(all_at_once(PixelASGI(host, refusing(sink, judge)), sink))
    assert {number: status for number, status in enumerate(answers) if status != 200} == {3: 422, 8: 422}


def test_what_a_partial_failure_leaves_untried_is_tried(sink: Plain | Awaited) -> None:
    def judge(events: Sequence[Event]) -> None:
        if len(events) > 10:
            stored, untried = [event["userId"] for event in events[:10]], range(10, len(events))
            sink.stored.extend(stored)
            raise PartialFailure(dict.fromkeys(untried))

    answers = asyncio.run(all_at_once(PixelASGI(host, refusing(sink, judge)), sink))
    assert answers == [200] * MANY
    assert sorted(sink.stored) == sorted(map(str, range(MANY)))


def test_a_sink_that_is_down_is_asked_once_for_a_batch(sink: Plain | Awaited) -> None:
    def judge(events: Sequence[Event]) -> None:
        raise Unavailable("down")

    assert asyncio.run(all_at_once(PixelASGI(host, refusing(sink, judge)), sink)) == [503] * MANY
    assert len(sink.sizes) <= 2


def test_a_write_that_changes_its_events_and_fails_stores_them_as_they_came(sink: Plain | Awaited) -> None:
    def judge(events: Sequence[Event]) -> None:
        if len(events) > 1:
            for event in events:
                event["userId"] = "changed"
            raise ValueError("not so many")

    answers = asyncio.run(all_at_once(PixelASGI(host, refusing(sink, judge)), sink))
    assert answers == [200] * MANY
    assert sorted(sink.stored) == sorted(map(str, range(MANY)))


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
    assert 500 < answers.count(200) < 560 and answers.count(503) == 700 - answers.count(200)
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


@pytest.mark.parametrize("wrapper", ["background", "spool", "fan_out", "fallback"])
def test_the_wrappers_gather_too(wrapper: str, tmp_path: Any) -> None:
    stored: list[str] = []

    def keep(event: Event) -> None:
        stored.append(event["userId"])

    wrappers: dict[str, Callable[[], Any]] = {
        "background": lambda: Background(keep),
        "spool": lambda: Spool(tmp_path / "spool", keep),
        "fan_out": lambda: fan_out(keep, lambda event: None),
        "fallback": lambda: fallback(keep, lambda event: None),
    }
    with wrappers[wrapper]() as sink:
        app = PixelASGI(host, sink)
        assert asyncio.run(statuses(app)) == [200] * MANY
    assert sorted(stored) == sorted(map(str, range(MANY)))
