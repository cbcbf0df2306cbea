"""Events that come while a sink writes share the next write; each is judged for itself, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from pixelmw.delivery import Background, Spool
from pixelmw.sinks import PartialFailure, Unavailable, Undeliverable, fallback, fan_out
from tests.support.asgi_hosts import host
from tests.support.gathering import MANY, Awaited, Plain, all_at_once, refusing, statuses


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


class PlainPart(Plain):
    def write(self, events: Sequence[Event]) -> None:
        super().write([event for event in events if event["userId"] not in ("0", "2")])


class AwaitedPart(Awaited):
    async def write(self, events: Sequence[Event]) -> None:  # type: ignore[override]
        await super().write([event for event in events if event["userId"] not in ("0", "2")])


@pytest.mark.parametrize("kind", [PlainPart, AwaitedPart])
def test_of_a_write_that_passes_on_a_part_the_event_at_fault_is_refused(kind: type[PlainPart | AwaitedPart]) -> None:
    def judge(events: Sequence[Event]) -> None:
        at_fault = [place for place, event in enumerate(events) if event["userId"] in ("3", "8")]
        if at_fault:
            raise PartialFailure({place: Undeliverable("no") for place in at_fault})

    sink = kind()
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


def test_a_thread_that_is_to_end_while_it_stores_says_nothing_about_the_events() -> None:
    sink = Plain()

    def judge(events: Sequence[Event]) -> None:
        raise SystemExit(1)

    app = PixelASGI(host, refusing(sink, judge))
    assert asyncio.run(all_at_once(app, sink)) == [503] * MANY
    assert (app.stats(), app.waiting) == ({"unavailable": MANY}, 0)


def test_a_sink_that_was_long_silent_and_is_down_answers_all_that_wait(sink: Plain | Awaited) -> None:
    def judge(events: Sequence[Event]) -> None:
        raise Unavailable("down")

    refusing(sink, judge)
    sink.timeout = 0.2
    app = PixelASGI(host, sink)

    async def ask_all() -> list[int]:
        asyncio.get_running_loop().call_later(0.15, sink.go_on.set)
        return await statuses(app)

    assert asyncio.run(ask_all()) == [503] * MANY
    assert len(sink.sizes) <= 2
