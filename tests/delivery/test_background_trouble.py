"""Background in trouble: a full queue, sinks that fail, and mistakes in its arguments."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Full, Retry, worker
from pixelmw.delivery.at_exit import close_all
from pixelmw.sinks.base import Unavailable, Undeliverable
from tests.support.forwarding import Batches, Calls, Gated, always, ids, poison, put
from tests.support.pixel import Pixel
from tests.support.processes import event, wait_until

SOON = Retry(first=0.001, cap=0.01)


@pytest.fixture
def gated() -> Iterator[Gated]:
    sink = Gated()
    yield sink
    sink.gate.set()


# --- a full queue ---


def test_a_full_queue_refuses_and_counts_what_is_under_way(gated: Gated) -> None:
    with Background(gated, max_queue=3, max_delay=0) as sink:
        sink(event("e0"))
        assert gated.entered.wait(20)
        put(sink, ids(2, "later"))
        for _ in range(2):
            with pytest.raises(Full, match="the queue holds 3 events and is full"):
                sink(event("refused"))
        assert (sink.stats()["queued"], sink.dropped) == (3, 0)
        gated.gate.set()
        assert sink.flush(20)
        sink(event("last"))
    assert gated.stored == ["e0", *ids(2, "later"), "last"]


def test_of_a_batch_that_does_not_fit_nothing_is_taken() -> None:
    with Background(sink := Batches(), max_queue=3) as background:
        with pytest.raises(Full):
            background.write([event(each) for each in ids(4)])
        background.write([event(each) for each in ids(3)])
    assert sink.stored == ids(3)


def test_a_request_that_finds_the_queue_full_is_answered_503(gated: Gated) -> None:
    with Background(gated, max_queue=1) as sink:
        pixel = Pixel(sink=sink)
        answers = [pixel.get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 503, 503]
        assert int(answers[1].headers["Retry-After"]) > 0
        gated.gate.set()
    assert gated.stored == ["id-1"]


def test_events_are_dropped_and_counted_where_that_is_wanted_and_logged_once(
    gated: Gated, caplog: pytest.LogCaptureFixture
) -> None:
    with Background(gated, max_queue=2, when_full="drop") as sink:
        put(sink, ids(500))
        assert sink.dropped == sink.stats()["dropped"] == 498
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert record.message == "the queue holds 2 events and is full; 1 events have been dropped so far"
        gated.gate.set()
    assert gated.stored == ids(2)


# --- sinks that fail ---


@pytest.mark.parametrize("kind", [Batches, Calls])
@pytest.mark.parametrize(
    "error", [ValueError, OSError, Unavailable, SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit]
)
def test_no_exception_of_the_sinks_keeps_events_from_being_forwarded_for_ever(
    kind: type[Calls], error: type[BaseException]
) -> None:
    failures = iter([error("no")] * 4)
    sink = kind(lambda ids: next(failures, None))
    with Background(sink, retry=SOON) as background:
        put(background, ids(20))
        assert background.flush(20)
    assert sorted(sink.stored) == sorted(ids(20))


@pytest.mark.parametrize("error", [ValueError, SystemExit, asyncio.CancelledError])
def test_no_exception_of_the_dead_letter_sinks_does_either(error: type[BaseException]) -> None:
    failures = iter([error("no")] * 4)
    letters = Calls(lambda ids: next(failures, None))
    sink = Batches(poison("bad", error=Undeliverable))
    with Background(sink, retry=SOON, dead_letter=letters) as background:
        put(background, ["e0", "bad", "e1"])
        assert background.flush(20)
        assert background.stats()["dead"] == 1
    assert (sink.stored, letters.stored) == (["e0", "e1"], ["bad"])


def test_a_fault_of_ours_does_not_end_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Retry):
        def pause(self, failures: int, retry_after: float | None = None) -> float:
            raise ZeroDivisionError

    monkeypatch.setattr(worker, "PAUSE_AFTER_FAULT", 0.01)
    failures = iter([Unavailable("no")] * 4)
    with Background(sink := Calls(lambda ids: next(failures, None)), retry=Broken()) as wrapper:
        put(wrapper, ids(3))
        assert wrapper.flush(20)
    assert sink.stored == ids(3)


@pytest.mark.parametrize("size", [1, 2, 500])
def test_a_poison_event_does_not_block_the_others_even_where_a_batch_is_one_event(size: int) -> None:
    letters: list[Event] = []
    sink = Calls(poison("bad"))
    with Background(sink, max_batch=size, max_delay=0, retry=SOON, dead_letter=letters.append) as wrapper:
        put(wrapper, ["bad", *ids(600)])
        wait_until(lambda: len(sink.stored) == 600)
        for number in range(20):
            wrapper(event(f"later{number}"))
            wait_until(lambda: sink.stored[-1] == f"later{number}")  # noqa: B023 - it is called at once
        assert wrapper.flush(20)
    assert [letter["messageId"] for letter in letters] == ["bad"]


def test_a_queue_that_is_full_while_the_sink_is_down_is_forwarded_when_it_is_up() -> None:
    sink = Calls(always(ConnectionError))
    with Background(sink, max_queue=50, retry=SOON, when_full="drop") as wrapper:
        put(wrapper, ids(80))
        wait_until(lambda: len(sink.calls) > 10)
        assert wrapper.stats()["queued"] == 50
        sink.fault = lambda ids: None
        assert wrapper.flush(20)
        put(wrapper, ids(5, "later"))
    assert sink.stored == [*ids(50), *ids(5, "later")]


# --- arguments ---


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"sink": "print"}, TypeError, "sink is 'print': give any callable that takes an event"),
        ({"dead_letter": "print"}, TypeError, "dead_letter is 'print': give any callable"),
        ({"retry": 3}, TypeError, "retry is 3: give a pixelmw.delivery.Retry"),
        ({"when_full": "block"}, ValueError, 'when_full is \'block\': give "refuse" or "drop"'),
        ({"max_queue": 0}, ValueError, "max_queue, max_bytes and max_batch must be at least 1"),
        ({"max_bytes": 0}, ValueError, "max_queue, max_bytes and max_batch must be at least 1"),
        ({"max_batch": 0}, ValueError, "max_queue, max_bytes and max_batch must be at least 1"),
        ({"max_delay": -0.1}, ValueError, "max_delay not below 0"),
    ],
)
def test_mistakes_in_the_arguments_are_told(options: dict[str, Any], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        Background(**{"sink": print, **options})


def test_what_it_wraps_is_shown() -> None:
    assert repr(Background(print)) == "Background(<built-in function print>)"


def test_at_the_end_of_the_process_one_that_cannot_be_closed_keeps_no_other_from_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Stubborn(Batches):
        def close(self, timeout: float | None = None) -> None:
            raise OSError("still in use")

    sinks = [Stubborn(), Batches()]
    queues = [Background(sink) for sink in sinks]
    for queue in queues:
        queue(event("1"))
    close_all()
    assert [queue.stats()["forwarded"] for queue in queues] == [1, 1]
    assert f"{queues[0]!r} was not closed" in caplog.text
    assert f"{queues[1]!r} was not closed" not in caplog.text
