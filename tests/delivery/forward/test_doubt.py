"""The forwarder, step by step, where nobody says whether an event or the sink is at fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from pixelmw.delivery import Retry
from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable
from tests.support.forwarding import Batches, Bench, Calls, always, ids, poison

KINDS = pytest.mark.parametrize("kind", [Batches, Calls])


def requests_error(text: str) -> OSError:
    """Like the errors of requests and urllib, where a server refused what was sent: without an errno."""
    return OSError(text)


@KINDS
@pytest.mark.parametrize("place", [0, 1, 137, 249, 250, 498])
@pytest.mark.parametrize("error", [ValueError, requests_error])
def test_one_poison_event_among_500_becomes_exactly_one_dead_letter(
    kind: type[Calls], error: Callable[[str], BaseException], place: int
) -> None:
    bench = Bench(kind(poison(f"e{place}", error=error)), ids(500))
    # It holds up the others for a short while only.
    assert sum(bench.until(lambda: len(bench.sink.stored) == 499)) < 10
    bench.queue(ids(1500, "later"))
    bench.finish()
    others = [each for each in [*ids(500), *ids(1500, "later")] if each != f"e{place}"]
    assert bench.dead == [f"e{place}"]
    assert Counter(bench.sink.stored) == Counter(others)
    assert Counter(bench.done) == Counter([*others, f"e{place}"])
    calls = Counter(call[0] for call in bench.sink.calls if len(call) == 1)
    assert calls[f"e{place}"] <= 12


@KINDS
def test_in_a_total_outage_nothing_becomes_a_dead_letter_and_order_is_kept(kind: type[Calls]) -> None:
    bench = Bench(kind(always(ValueError)), ids(300))
    pauses = bench.steps(500)
    assert min(pauses) > 0
    assert sum(pauses) > 3000
    assert len(bench.sink.calls) <= 2 * len(pauses)
    assert (bench.dead, bench.done) == ([], [])
    bench.queue(ids(700, "later"))
    bench.sink.fault = lambda batch: None
    bench.finish()
    assert bench.sink.stored == bench.done == [*ids(300), *ids(700, "later")]
    assert bench.dead == []


@KINDS
def test_outages_that_come_again_and_again_make_no_dead_letters(kind: type[Calls]) -> None:
    bench = Bench(kind())
    for outage in range(50):
        bench.queue(ids(20, f"{outage}-"))
        bench.sink.fault = always(ValueError)
        bench.steps(12)
        bench.sink.fault = lambda batch: None
        bench.steps(2)
    bench.finish()
    assert bench.sink.stored == [each for outage in range(50) for each in ids(20, f"{outage}-")]
    assert bench.dead == []


@KINDS
@pytest.mark.parametrize("count", [2, 3, 40])
def test_poison_events_in_a_row_do_not_block_what_is_behind_them(kind: type[Calls], count: int) -> None:
    """Events with the same fault come together: one client sends them."""
    bad = ids(count, "bad")
    bench = Bench(kind(poison(*bad)), [*ids(5), *bad, *ids(400, "later")], max_batch=50)
    bench.steps(10 * count + 100)
    assert len(bench.sink.stored) == 405
    bench.queue(ids(4000, "last"))
    bench.finish()
    assert sorted(bench.dead) == sorted(bad)
    assert Counter(bench.sink.stored) == Counter([*ids(5), *ids(400, "later"), *ids(4000, "last")])


@KINDS
def test_poison_alone_stays_and_is_decided_once_others_come(kind: type[Calls]) -> None:
    bench = Bench(kind(poison("bad")), ["bad"])
    pauses = bench.steps(300)
    assert min(pauses) > 0
    assert sum(pauses) > 1000
    assert (bench.dead, len(bench.forwarder)) == ([], 1)
    for each in ids(20):
        bench.queue([each])
        bench.steps(2)
    assert bench.dead == ["bad"]
    assert bench.sink.stored == ids(20)


def test_neighbours_of_a_poison_event_are_not_taken_for_it() -> None:
    """Each of them was in many a batch that failed. One more failure, of its own, is the first."""
    bad, neighbour = "e6001", "e6000"
    failed: list[list[str]] = []

    def fault(batch: list[str]) -> BaseException | None:
        if batch == [neighbour] and len(failed) < 5:
            failed.append(batch)
            return ValueError("not now")
        return poison(bad)(batch)

    bench = Bench(Batches(fault), ids(8192), max_batch=8192, retry=Retry(attempts=12))
    bench.steps(100)
    bench.queue(ids(20_000, "later"))
    bench.finish()
    assert bench.dead == [bad]
    assert len(failed) == 5
    assert neighbour in bench.sink.stored


def test_an_outage_is_no_proof_against_a_suspect() -> None:
    bench = Bench(Calls(poison("bad")), ["bad", *ids(3)])
    bench.steps(3)
    bench.sink.fault = poison("bad", error=Unavailable)
    for each in ids(50, "later"):
        bench.queue([each])
        bench.steps(2)
    assert bench.dead == []
    bench.sink.fault = lambda batch: None
    bench.finish()
    assert Counter(bench.sink.stored) == Counter(["bad", *ids(3), *ids(50, "later")])


def test_a_suspect_that_finds_the_sink_down_waits_as_long_as_the_sink_asks() -> None:
    bench = Bench(Calls(poison("bad")), ["bad", *ids(1)])
    bench.steps(3)
    bench.sink.fault = always(lambda text: Unavailable(text, retry_after=77))
    assert bench.steps(1) == [77]


def test_a_suspect_that_turns_out_undeliverable_is_dead_at_once() -> None:
    bench = Bench(Calls(poison("bad")), ["bad", *ids(1)])
    bench.steps(3)
    assert bench.dead == []
    bench.sink.fault = poison("bad", error=Undeliverable)
    assert bench.finish() == 1
    assert bench.dead == ["bad"]


def test_events_that_a_batch_sink_blames_by_name_need_the_same_proof() -> None:
    """The sink stored what was beside them, time and again."""

    def fault(batch: list[str]) -> PartialFailure | None:
        blamed = {place: ValueError("?") for place, each in enumerate(batch) if each in ("e1", "e3")}
        sink.stored += [each for place, each in enumerate(batch) if blamed and place not in blamed]
        return PartialFailure(blamed) if blamed else None

    sink = Batches(fault)
    bench = Bench(sink, ids(5))
    for number in range(7):
        bench.queue([f"later{number}"])
        assert bench.dead == []
        bench.steps(1)
    bench.queue(ids(3, "last"))
    bench.finish()
    assert bench.dead == ["e1", "e3"]
    assert Counter(sink.stored) == Counter(["e0", "e2", "e4", *ids(7, "later"), *ids(3, "last")])


@pytest.mark.slow
def test_no_more_than_a_hundred_suspects_are_kept() -> None:
    bad = ids(150, "bad")
    bench = Bench(Calls(poison(*bad)), [*bad, *ids(300)], max_batch=400)
    bench.steps(2000)
    assert len(bench.dead) >= 50
    assert len(bench.forwarder) <= 100
    bench.queue(ids(60_000, "later"))
    bench.finish()
    assert sorted(bench.dead) == sorted(bad)
    assert Counter(bench.sink.stored) == Counter([*ids(300), *ids(60_000, "later")])


# --- finite attempts ---


@KINDS
@pytest.mark.parametrize("error", [ValueError, Unavailable])
def test_finite_attempts_make_dead_letters_of_what_a_sink_that_is_down_never_took(
    kind: type[Calls], error: Callable[[str], BaseException]
) -> None:
    bench = Bench(kind(always(error)), ids(12), retry=Retry(attempts=3))
    bench.finish()
    assert bench.dead == ids(12) or error is ValueError
    assert sorted(bench.dead) == sorted(ids(12))
    # Alone, or where the whole batch knew that the sink is down.
    tries = Counter(each for call in bench.sink.calls for each in call if len(call) == 1 or error is Unavailable)
    assert set(tries.values()) == {3}


def test_events_are_not_counted_out_for_a_poison_event_in_their_batch() -> None:
    bench = Bench(Batches(poison("e77")), ids(100), retry=Retry(attempts=3))
    bench.finish()
    assert bench.dead == ["e77"]


def test_a_sink_that_fails_a_fifth_of_its_calls_gets_all_but_the_poison() -> None:
    """By a fixed plan, so that the test does not depend on chance."""
    numbers = iter(range(10**6))
    bad = poison("e4321", error=Undeliverable)
    bench = Bench(Batches(lambda batch: ValueError("?") if next(numbers) * 7 % 5 == 0 else bad(batch)), ids(10_000))
    bench.finish()
    assert bench.dead == ["e4321"]
    assert Counter(bench.sink.stored) == Counter(each for each in ids(10_000) if each != "e4321")
