"""How long a visitor waits: one time-out where the destination hangs, and never more than two."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import ClassVar

import pytest

from pixelmw import Event
from pixelmw.sinks import PartialFailure, Unavailable, Undeliverable
from pixelmw.sinks.together import store
from tests.support.processes import event
from tests.support.visitors import Destination, TwoLanes, Visitors, busy, ids

TIMEOUT = 0.8
# Threads wait for their turn of the interpreter.
SLACK = 0.7


class Four(Destination):
    """Takes four events at a time, so that more than a batch is in line."""

    most_together: ClassVar[int] = 4


def hanging(events: list[Event]) -> None:
    """Take all of the time, and then say so, as a client library does."""
    time.sleep(TIMEOUT)
    raise TimeoutError("no answer")


def slow(events: list[Event]) -> None:
    """Take nearly all of the time."""
    time.sleep(0.9 * TIMEOUT)


def slow_then_hanging() -> Callable[[list[Event]], None]:
    answers = iter([slow])
    return lambda events: next(answers, hanging)(events)


def refusing_slowly(events: list[Event]) -> None:
    time.sleep(0.4 * TIMEOUT)
    raise Undeliverable("never")


def refusing_then_hanging() -> Callable[[list[Event]], None]:
    answers = iter([slow, refusing_slowly])
    return lambda events: next(answers, hanging)(events)


def failing_late(events: list[Event]) -> None:
    time.sleep(0.45 * TIMEOUT)
    raise ConnectionError("reset")


@pytest.mark.parametrize("lanes", [Destination, TwoLanes, Four])
def test_where_the_destination_hangs_nobody_waits_longer_than_one_timeout(lanes: type[Destination]) -> None:
    visitors = Visitors(lanes(hanging, TIMEOUT)).come(*(event(f"e{number}") for number in range(64))).leave()
    assert {type(error) for error in visitors.told.values()} <= {TimeoutError, Unavailable}
    assert visitors.longest < TIMEOUT + SLACK


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [lambda: slow, slow_then_hanging, lambda: refusing_slowly, refusing_then_hanging, lambda: failing_late],
    ids=["slow", "slow, then hanging", "refusing", "slow, refusing, then hanging", "down early"],
)
@pytest.mark.parametrize("kind", [Destination, TwoLanes, Four])
def test_nobody_waits_longer_than_two_timeouts(
    kind: type[Destination], answer: Callable[[], Callable[[list[Event]], None]]
) -> None:
    sink = kind(answer(), TIMEOUT)
    visitors = Visitors(sink).come(*(event(f"e{number}") for number in range(64))).leave()
    assert visitors.longest < 2 * TIMEOUT + SLACK
    assert {name for name, error in visitors.told.items() if error is None} == set(ids(sink.stored))


def test_a_slow_sink_stores_for_all_who_fit_into_its_time() -> None:
    sink = Destination(slow, TIMEOUT)
    visitors = Visitors(sink).come(*(event(f"e{number}") for number in range(64))).leave()
    assert visitors.refused == []
    assert len(sink.calls) == 2


def test_who_failed_early_does_not_answer_for_others() -> None:
    sink = Destination(timeout=20)
    visitors = Visitors(sink)

    def fail(events: list[Event]) -> None:
        raise ConnectionError("reset")

    with busy(sink):
        visitors.come_in_line(sink, event("a"))
        sink.answer = fail
    visitors.leave()
    sink.answer = lambda events: None
    sink(event("b"))
    assert visitors.refused == ["a"]
    assert sink.calls == [["first"], ["a"], ["b"]]


def test_a_lane_that_is_held_up_does_not_answer_for_those_who_wait_for_the_other_one() -> None:
    def answer(events: list[Event]) -> None:
        if "locked" in ids(events):
            hanging(events)
        time.sleep(0.02)

    sink = TwoLanes(answer, TIMEOUT)
    locked = Visitors(sink).come(event("locked"))

    def visit(each: Event) -> None:
        end = time.monotonic() + 2 * TIMEOUT
        while time.monotonic() < end:
            sink(event(each["messageId"]))

    others = Visitors(visit).come(*(event(f"e{number}") for number in range(8))).leave()
    assert locked.leave().refused == ["locked"]
    assert others.refused == []


def test_while_a_write_does_not_end_who_comes_is_answered_at_once_and_that_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    goes_on = threading.Event()
    sink = Destination(lambda events: goes_on.wait(30), timeout=0.1)
    first = Visitors(sink).come(event("first"))
    followers = Visitors(sink).come_in_line(sink, event("a")).leave()
    assert isinstance(followers.told["a"], Unavailable)
    time.sleep(0.2)
    later = Visitors(sink).come(*(event(f"e{number}") for number in range(5))).leave()
    assert {type(error) for error in later.told.values()} == {Unavailable}
    assert later.longest < 0.1
    assert caplog.text.count("without an end") == 1
    goes_on.set()
    assert first.leave().refused == []
    sink(event("b"))
    assert sink.calls == [["first"], ["b"]]


def test_a_follower_whose_write_does_not_end_is_told_so_after_two_timeouts() -> None:
    goes_on = threading.Event()
    sink = Destination(timeout=0.2)
    visitors = Visitors(sink)
    with busy(sink):
        visitors.come_in_line(sink, event("a"), event("b"))
        sink.answer = lambda events: goes_on.wait(30)
    while "b" not in visitors.told:
        time.sleep(0.01)
    assert "has not ended after 0.4 seconds" in str(visitors.told["b"])
    goes_on.set()
    assert visitors.leave().refused == ["b"]


def test_the_search_for_blame_ends_with_the_time_of_its_batch() -> None:
    def answer(events: list[Event]) -> None:
        time.sleep(0.1)
        raise ValueError("what?")

    sink = Destination(answer, timeout=0.45)
    began = time.monotonic()
    with pytest.raises(PartialFailure, match="64 events"):
        store(sink, [event(f"e{number}") for number in range(64)])
    assert time.monotonic() - began < 0.45 + 0.1 + SLACK
    assert len(sink.calls) < 7


def test_who_is_not_tried_in_time_is_told_that_the_sink_is_unavailable() -> None:
    def answer(events: list[Event]) -> None:
        time.sleep(0.3)
        raise ValueError("what?")

    sink = Destination(timeout=0.4)
    visitors = Visitors(sink)
    with busy(sink):
        visitors.come_in_line(sink, *(event(f"e{number}") for number in range(16)))
        sink.answer = answer
    visitors.leave()
    assert all(isinstance(error, Unavailable) for error in visitors.told.values())
