"""A fallback remembers that its first sink is down: whom it spares the wait, for how long, and who tries it again."""

from __future__ import annotations

import math
from collections.abc import Callable

import gevent
import pytest

from pixelmw.sinks import PartialFailure, Unavailable, Undeliverable, fallback
from tests.support.forwarding import ids
from tests.support.outages import Pair
from tests.support.pixel import Pixel
from tests.support.processes import wait_until
from tests.support.threads import on_a_thread

DOWN = {
    "unavailable": lambda: Unavailable("down"),
    "no connection": ConnectionError,
    "a time-out": TimeoutError,
    "a full disk": lambda: OSError(28, "No space left on device"),
}
NO_WORD_ON_THE_SINK = {
    "undeliverable": lambda: Undeliverable("too large"),
    "unknown": lambda: ValueError("?"),
    "no error of the system's": lambda: OSError("the server refused it"),
}
Error = Callable[[], Exception]


def down_pair(retry_after: float | None = None) -> Pair:
    """A pair whose first sink has just been found down."""
    pair = Pair()
    pair.first.error = Unavailable("down", retry_after=retry_after)
    pair.put("finds out")
    assert pair.tried() == 1
    pair.second.stored.clear()
    return pair


def pauses(pair: Pair, count: int) -> list[float]:
    """The length of the next *count* pauses, each of which ends with a probe."""
    found = []
    for _ in range(count):
        started = pair.clock.now
        while not pair.tried():
            pair.clock.now += 0.5
            pair.put("e")
        found.append(pair.clock.now - started)
    return found


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


class TestAProbe:
    """What becomes of the outage if the call that probes ends in one way or another."""

    @pytest.mark.parametrize("error", NO_WORD_ON_THE_SINK.values(), ids=NO_WORD_ON_THE_SINK)
    def test_without_a_word_on_the_sink_leaves_the_next_one_to_probe(self, error: Error) -> None:
        pair = down_pair()
        pair.clock.now += 1
        pair.first.error = error()
        pair.put("probe")
        pair.first.error = Unavailable("down")
        pair.put("next", "not this one")
        assert pair.tried() == 2
        assert pauses(pair, 1) == [2]

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, gevent.GreenletExit, gevent.Timeout])
    def test_that_is_ended_from_outside_leaves_the_next_one_to_probe_though_its_traceback_is_kept(
        self, kind: type[BaseException]
    ) -> None:
        pair = down_pair()
        pair.clock.now += 1
        pair.first.error = kind()
        with pytest.raises(kind) as kept:
            pair.put("probe")
        pair.first.error = None
        pair.put("next", "after it")
        assert pair.first.stored == ["next", "after it"]
        assert kept.value.__traceback__ is not None

    def test_lets_the_next_one_probe_while_it_waits_for_the_second_sink(self) -> None:
        pair = down_pair()
        pair.clock.now += 1
        pair.first.error = ValueError("?")
        asked: list[list[str]] = []

        def beside(names: list[str]) -> None:
            if not asked:
                asked.append(names)
                pair.first.error = None
                on_a_thread(lambda: pair.put("next"))

        pair.second.fault = beside
        pair.put("probe")
        assert (pair.first.stored, pair.second.stored) == (["next"], ["probe"])

    def test_of_a_batch_that_is_stored_in_part_ends_the_outage(self) -> None:
        pair = down_pair()
        pair.clock.now += 1
        pair.first.fault = lambda names: Undeliverable("too large") if "e3" in names else None
        pair.write(*ids(8))
        assert pair.stats()["first_is_down"] == 0
        pair.put("next")
        assert pair.first.stored == ["e0", "e1", "e2", "e4", "e5", "e6", "e7", "next"]
        assert pair.second.stored == ["e3"]

    def test_of_an_empty_batch_is_none(self) -> None:
        pair = down_pair()
        pair.clock.now += 1
        pair.first.error = None
        pair.write()
        assert pair.stats()["first_is_down"] == 1
        pair.put("probe")
        assert pair.stats()["first_is_down"] == 0


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


# --- what is told ---


def test_an_outage_and_a_recovery_are_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    pair = down_pair(retry_after=20.0)
    pair.put(*ids(10))
    pair.clock.now += 20
    pair.first.error = None
    pair.put("probe", "after it")
    name = repr(pair.second)
    assert [record.getMessage().removeprefix(f"{pair.first!r} ") for record in caplog.records] == [
        f"is down: events go to {name} for 20 s, and then one is tried with it",
        f"failed; the event goes to {name}",
        f"takes events again, after 20 s in which 11 events went to {name}",
    ]
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    assert {record.name for record in caplog.records} == {"pixelmw.sinks"}


def test_the_figures_say_which_sink_is_used() -> None:
    pair = down_pair()
    assert pair.stats() == {"first_is_down": 1, "given_to_second": 1}
    pair.write(*ids(3))
    pair.clock.now += 1
    pair.first.error = None
    pair.put("probe")
    assert pair.stats() == {"first_is_down": 0, "given_to_second": 4}


# --- what a refusal by the second sink says while the first one is down ---


def test_an_event_is_refused_for_ever_only_by_both() -> None:
    pair = down_pair(retry_after=40.0)
    pair.second.fault = lambda names: Undeliverable("too large")
    pair.clock.now += 10
    with pytest.raises(Unavailable) as caught:
        pair.put("not tried by the first")
    assert caught.value.retry_after == 30
    pair.clock.now += 30
    with pytest.raises(Unavailable):
        pair.put("the first is found down")
    with pytest.raises(PartialFailure) as partial:
        pair.write("a", "b")
    assert [type(error) for error in partial.value.failures.values()] == [Unavailable] * 2
    pair.clock.now += 40
    pair.first.error = Undeliverable("too large")
    with pytest.raises(Undeliverable):
        pair.put("both refuse it")


def test_a_visitor_is_asked_to_come_again_while_the_sink_is_down_that_might_take_the_event() -> None:
    def refuses(event: object) -> None:
        raise Undeliverable("too large")

    def is_down(event: object) -> None:
        raise Unavailable("down")

    pixel = Pixel(sink=fallback(is_down, refuses))
    answers = [pixel.get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)


def test_where_both_are_down_the_event_is_unavailable() -> None:
    pair = down_pair()
    pair.second.fault = lambda names: ConnectionError("down, too")
    with pytest.raises(ConnectionError, match="down, too") as caught:
        pair.put("a")
    assert caught.value.__context__ is None
    with pytest.raises(ConnectionError, match="down, too"):
        pair.write("a", "b")


def test_what_the_second_sink_does_not_store_of_a_batch_has_its_place() -> None:
    pair = down_pair()
    pair.second.fault = lambda names: ValueError("?") if "e2" in names else None
    with pytest.raises(PartialFailure) as caught:
        pair.write(*ids(4))
    assert {place: type(error) for place, error in caught.value.failures.items()} == {2: ValueError}
