"""The forwarder, step by step, before sinks that say what is wrong: an event, a part of the batch, or the sink."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import pytest

from pixelmw.delivery import Retry
from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable
from tests.support.forwarding import Batches, Bench, Calls, always, ids, poison


def test_a_batch_is_handed_over_whole_and_in_order() -> None:
    bench = Bench(Batches(), ids(7), max_batch=3)
    assert bench.finish() == 3
    assert bench.sink.calls == [["e0", "e1", "e2"], ["e3", "e4", "e5"], ["e6"]]
    assert bench.done == ids(7)
    assert bench.forwarder.counts == {"forwarded": 7, "retried": 0, "dead": 0}


def test_a_sink_that_takes_one_event_at_a_time_gets_them_one_by_one() -> None:
    bench = Bench(Calls(), ids(7))
    assert bench.finish() == 1
    assert bench.sink.stored == bench.done == ids(7)


# --- Undeliverable: an event is at fault ---


@pytest.mark.parametrize("count", [1, 2, 3, 10, 100, pytest.param(500, marks=pytest.mark.slow)])
def test_a_poison_event_is_isolated_by_halving_with_few_calls_wherever_it_stands(count: int) -> None:
    needed = 0
    for place in range(count):
        bench = Bench(Batches(poison(f"e{place}", error=Undeliverable)), ids(count))
        bench.finish()
        assert bench.dead == [f"e{place}"]
        assert bench.sink.stored == [each for each in ids(count) if each != f"e{place}"]
        assert sorted(bench.done) == sorted(ids(count))
        needed = max(needed, len(bench.sink.calls))
    # The whole, both halves of what is left of it each time, and the event alone.
    assert needed <= 2 + 2 * math.ceil(math.log2(count))


def test_each_of_several_poison_events_costs_a_halving_of_its_own_and_no_more() -> None:
    bad = ["e7", "e8", "e250", "e499"]
    bench = Bench(Batches(poison(*bad, error=Undeliverable)), ids(2000))
    bench.finish()
    assert bench.dead == bad
    assert bench.sink.stored == [each for each in ids(2000) if each not in bad]
    assert len(bench.sink.calls) <= 4 + len(bad) * (2 + 9)


def test_no_step_waits_while_a_sink_that_is_up_says_which_events_are_at_fault() -> None:
    bench = Bench(Batches(poison("e1", error=Undeliverable)), ids(10))
    assert set(bench.steps(6)) == {0.0}
    assert bench.dead == ["e1"]


def test_where_any_callable_finds_an_event_undeliverable_the_others_are_called_once() -> None:
    bench = Bench(Calls(poison("e3", "e4", error=Undeliverable)), ids(10))
    bench.finish()
    assert bench.dead == ["e3", "e4"]
    assert Counter(map(tuple, bench.sink.calls)) == Counter((each,) for each in ids(10))


# --- PartialFailure: by place ---


def test_of_a_batch_that_failed_in_part_the_rest_is_settled_and_only_that_part_is_sent_again() -> None:
    refused = Undeliverable("refused")
    answers = [PartialFailure({1: refused, 3: Unavailable("busy"), 4: None}), refused, None]
    bench = Bench(Batches(lambda batch: answers.pop(0)), ids(6))
    assert bench.steps(1)[0] > 0
    assert (bench.done, bench.dead) == (["e0", "e2", "e5"], [])
    bench.steps(1)
    assert (bench.done, bench.dead) == (["e0", "e2", "e5", "e1"], ["e1"])
    bench.finish()
    assert bench.sink.calls[1:] == [["e1"], ["e3", "e4"]]


def test_an_event_that_was_not_tried_is_not_blamed() -> None:
    """With two attempts, each of them would be a dead letter if the first call counted."""
    first = PartialFailure({1: ValueError("refused"), **dict.fromkeys(range(2, 50))})
    answers = [first, Unavailable("down")]
    bad = poison("e1")
    bench = Bench(Batches(lambda batch: answers.pop(0) if answers else bad(batch)), ids(50), retry=Retry(attempts=2))
    bench.finish()
    assert bench.dead == ["e1"]
    assert bench.sink.stored == ids(50)[2:]


@pytest.mark.parametrize(
    "failures",
    [{0: None, 1: None, 2: None}, {0: None, 1: ValueError("?"), 2: None}, {2: ValueError("?"), 0: None, 1: None}],
    ids=["nobody", "the-second", "the-third"],
)
def test_a_sink_that_blames_nobody_and_takes_nothing_is_not_asked_in_a_busy_loop(
    failures: dict[int, Exception | None],
) -> None:
    def fault(batch: list[str]) -> PartialFailure:
        return PartialFailure({place: failures[place] for place in sorted(failures) if place < len(batch)})

    bench = Bench(Batches(fault), ids(3))
    pauses = bench.steps(40)
    assert min(pauses) > 0
    assert sum(pauses[10:]) > 30
    assert (bench.dead, bench.done) == ([], [])
    bench.sink.fault = lambda batch: None
    bench.finish()
    assert bench.sink.stored == ids(3)


def test_a_failure_that_names_no_place_of_the_batch_is_none() -> None:
    bench = Bench(Batches(always(lambda text: PartialFailure({}))), ids(3))
    assert bench.steps(1) == [0.0]
    assert bench.done == ids(3)


# --- Unavailable: the sink is down ---


@pytest.mark.parametrize(
    "error",
    [Unavailable, ConnectionResetError, TimeoutError, lambda text: OSError(28, text)],
    ids=["Unavailable", "ConnectionResetError", "TimeoutError", "ENOSPC"],
)
@pytest.mark.parametrize("kind", [Batches, Calls])
def test_a_sink_that_is_down_gets_the_same_batch_again_and_all_in_order_when_it_is_up(
    kind: type[Calls], error: Callable[[str], BaseException]
) -> None:
    bench = Bench(kind(always(error)), ids(20), max_batch=8)
    pauses = bench.steps(60)
    assert min(pauses) > 0
    assert sum(pauses) > 100
    first = ids(8) if kind is Batches else ids(1)
    assert bench.sink.calls[:3] == [first] * 3
    assert all(call == ids(len(call)) for call in bench.sink.calls)
    assert len(bench.sink.calls) == 60
    bench.queue(ids(5, "later"))
    bench.sink.fault = lambda batch: None
    bench.finish()
    assert bench.sink.stored == bench.done == [*ids(20), *ids(5, "later")]
    assert (bench.dead, bench.forwarder.counts["retried"]) == ([], 60)


def test_pauses_grow_while_the_sink_is_down_and_begin_anew_once_it_took_something() -> None:
    bench = Bench(Batches(always(Unavailable)), ids(2), retry=Retry(first=1, cap=1000), max_batch=1)
    assert max(bench.steps(30)[10:]) > 10
    bench.sink.fault = poison("e1", error=Unavailable)
    assert bench.steps(1) == [0.0]
    assert bench.steps(1)[0] <= 1


def test_what_the_destination_asks_for_is_waited_for_within_reason() -> None:
    asked: list[float | None] = [60.0, 10.0**9, None]
    bench = Bench(Batches(lambda batch: Unavailable("later", retry_after=asked.pop(0))), ids(3))
    first, second, third = bench.steps(3)
    assert (first, second) == (60.0, 900.0)
    assert 0 < third <= 0.4


def test_only_unavailable_is_taken_at_its_word_about_the_time_to_wait() -> None:
    """Other libraries have errors with an attribute of that name, which is a text or a date."""

    class Throttled(Exception):
        retry_after = "Wed, 21 Oct 2026 07:28:00 GMT"

    bench = Bench(Batches(always(Throttled)), ids(3))
    assert max(bench.steps(4)) <= 0.8


def test_the_sink_is_down_where_any_event_of_the_batch_found_it_so() -> None:
    late = {1: None, 2: Unavailable("later", retry_after=60), 3: None}
    bench = Bench(Batches(lambda batch: PartialFailure(late)), ids(4))
    assert bench.steps(1) == [60.0]
    assert bench.done == ["e0"]
