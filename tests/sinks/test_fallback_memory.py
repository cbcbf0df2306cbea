"""A fallback remembers that its first sink is down: whom it spares the wait, for how long, and who tries it again."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from pixelmw.sinks import PartialFailure, Unavailable
from tests.support.forwarding import ids
from tests.support.outages import NO_WORD_ON_THE_SINK, Pair, down_pair, pauses
from tests.support.processes import wait_until

DOWN = {
    "unavailable": lambda: Unavailable("down"),
    "no connection": ConnectionError,
    "a time-out": TimeoutError,
    "a full disk": lambda: OSError(28, "No space left on device"),
}
Error = Callable[[], Exception]


@pytest.mark.parametrize("error", DOWN.values(), ids=DOWN)
def test_after_one_that_is_down_events_go_to_the_second_sink_at_once(error: Error) -> None:
    pair = Pair()
    pair.first.error = error()
    pair.put(*ids(5))
    pair.write("b1", "b2")
    assert pair.first.calls == [["e0"]]
    assert pair.second.stored == [*ids(5), "b1", "b2"]


@pytest.mark.parametrize("error", NO_WORD_ON_THE_SINK.values(), ids=NO_WORD_ON_THE_SINK)
def test_a_word_on_the_event_only_moves_that_event(error: Error) -> None:
    pair = Pair()
    pair.first.error = error()
    pair.put("bad", "bad, too")
    pair.first.error = None
    pair.put("good")
    assert pair.first.calls == [["bad"], ["bad, too"], ["good"]]
    assert (pair.first.stored, pair.second.stored) == (["good"], ["bad", "bad, too"])


def test_the_pauses_double_up_to_thirty_seconds() -> None:
    pair = down_pair()
    assert pauses(pair, 8) == [1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        *[(asked, [1, 2, 4]) for asked in (0.0, -5.0, 0.5, math.nan)],
        (3.0, [3, 3, 4]),
        (120.0, [120, 120]),
        *[(asked, [900]) for asked in (900.0, 901.0, 1e12, math.inf)],
    ],
)
def test_a_pause_is_as_long_as_the_destination_asks_within_a_quarter_of_an_hour(
    asked: float, expected: list[float]
) -> None:
    pair = down_pair(retry_after=asked)
    assert pauses(pair, len(expected)) == expected


def test_the_longest_time_counts_that_any_event_of_a_batch_was_told() -> None:
    pair = Pair()
    failures = {0: Unavailable("a", retry_after=7), 1: Unavailable("b", retry_after=2), 2: Unavailable("c"), 3: None}
    pair.first.error = PartialFailure(failures)
    pair.write(*ids(5))
    assert pair.tried() == 1
    assert pauses(pair, 1) == [7]


def test_the_longest_time_counts_that_a_group_was_told() -> None:
    pair = Pair()
    pair.first.error = ExceptionGroup(
        "both", [ConnectionError(), ExceptionGroup("", [Unavailable("a", retry_after=9)])]
    )
    pair.put("finds out")
    assert pair.tried() == 1
    assert pauses(pair, 1) == [9]


def test_after_a_recovery_the_pauses_begin_with_a_second_again() -> None:
    pair = down_pair()
    assert pauses(pair, 4) == [1, 2, 4, 8]
    pair.first.error = None
    assert pauses(pair, 1) == [16]
    pair.put("a", "b")
    assert pair.tried() == 2
    pair.first.error = ConnectionError()
    pair.put("c")
    assert pair.tried() == 1
    assert pauses(pair, 3) == [1, 2, 4]


def test_one_call_probes_and_no_other_waits_for_it() -> None:
    pair = down_pair()
    pair.clock.now += 1
    with pair.on_its_way("probe"):
        pair.put(*ids(20))
        pair.write("b1", "b2")
        pair.clock.now += 1000
        pair.put("late")
    assert pair.first.calls == [["probe"]]
    assert pair.second.stored == [*ids(20), "b1", "b2", "late", "probe"]


def test_what_began_before_the_outage_does_not_end_it() -> None:
    pair = Pair()
    with pair.on_its_way("stored late"):
        pair.first.error = ConnectionError()
        pair.put("finds out")
    assert pair.first.stored == ["stored late"]
    pair.tried()
    assert pauses(pair, 2) == [1, 2]


def test_what_began_before_the_outage_does_not_prolong_it() -> None:
    pair = Pair()
    pair.first.error = ConnectionError()
    with pair.on_its_way("fails late"):
        pair.put("finds out")
        pair.clock.now += 0.5
    pair.tried()
    assert pauses(pair, 2) == [0.5, 2]


def test_what_began_before_the_recovery_does_not_end_it() -> None:
    pair = Pair()
    pair.first.error = ConnectionError()
    with pair.on_its_way("fails late"):
        pair.put("finds out")
        pair.clock.now += 1
        pair.first.error = None
        pair.put("probe", "a")
    pair.put("b")
    assert pair.first.stored == ["probe", "a", "b"]
    assert pair.second.stored == ["finds out", "fails late"]


@pytest.mark.parametrize("error", [ConnectionError(), None], ids=["fails", "is stored"])
def test_what_began_before_the_outage_takes_the_probe_from_nobody(error: Exception | None) -> None:
    pair = Pair()
    pair.first.error = error
    with pair.on_its_way("late"):
        pair.first.error = ConnectionError()
        pair.put("finds out")
        pair.clock.now += 1
        with pair.on_its_way("probe"):
            pair.first.gates["late"].set()
            wait_until(lambda: "late" in pair.first.stored + pair.second.stored)
            pair.put("beside")
    assert pair.tried() == 3
    assert pauses(pair, 2) == [2, 4]


def test_of_two_batches_at_once_one_probes_and_the_other_goes_to_the_second_sink() -> None:
    pair = down_pair()
    pair.clock.now += 1
    with pair.on_its_way("a", "b"):
        pair.write("c", "d")
        assert pair.second.stored == ["c", "d"]
    assert pair.first.calls == [["a", "b"]]


def test_a_batch_that_ends_with_the_sink_down_begins_an_outage_though_a_part_is_stored() -> None:
    pair = Pair()
    pair.first.error = PartialFailure({2: ConnectionError(), 3: None})
    pair.write(*ids(4))
    pair.put("next")
    assert pair.second.stored == ["e2", "e3", "next"]
    assert pair.first.calls == [ids(4)]
