"""What holds for the forwarder whatever a sink does, tried on sinks that hypothesis makes up."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from pixelmw.delivery import Retry
from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable
from tests.support.forwarding import Batches, Bench, ids

# None of them depends on the speed of the machine.
tried = settings(derandomize=True, deadline=None, max_examples=200)

Plan = list[tuple[str, int]]


class Whimsical(Batches):
    """A sink that fails as planned for so many calls, and from then on only at poison.

    :param manner: what it stores of a batch with poison: "nothing", all "before" the first, or all "beside" it.
    """

    def __init__(self, bad: set[str], plan: Plan, manner: str) -> None:
        super().__init__()
        self.bad, self.plan, self.manner = bad, plan, manner

    def _store(self, ids: list[str]) -> None:
        kind, count = self.plan.pop(0) if self.plan else ("", 0)
        if kind == "doubt":
            raise ValueError("not now")
        if kind == "nobody":
            raise PartialFailure(dict.fromkeys(range(len(ids))))
        if kind == "down":
            raise Unavailable("not now")
        if kind == "part":
            self._store_beside(ids[:count], {place: Unavailable("not now") for place in range(count, len(ids))})
        elif kind == "unsaid":
            self.stored += [each for each in ids if each not in self.bad]
            raise TimeoutError("it did not say what it had stored")
        elif self.manner == "beside" or not self.bad & set(ids):
            self._store_beside(ids, {})
        elif self.manner == "before":
            first = next(place for place, each in enumerate(ids) if each in self.bad)
            self._store_beside(ids[: first + 1], dict.fromkeys(range(first + 1, len(ids))))
        else:
            raise Undeliverable("refused")

    def _store_beside(self, ids: list[str], failures: dict[int, Exception | None]) -> None:
        self.stored += [each for each in ids if each not in self.bad]
        refused = {place: Undeliverable("refused") for place, each in enumerate(ids) if each in self.bad}
        if refused or failures:
            raise PartialFailure({**refused, **failures})


counts = st.integers(0, 8)
downs = st.lists(st.tuples(st.sampled_from(["down", "part"]), counts), max_size=30)
# Fewer than it takes to prove an innocent event guilty.
doubts = st.lists(st.tuples(st.sampled_from(["doubt", "nobody"]), counts), max_size=7)
unsaid = st.lists(st.just(("unsaid", 0)), max_size=5)
plans = st.tuples(downs, doubts, unsaid).flatmap(lambda parts: st.permutations([*parts[0], *parts[1], *parts[2]]))
poison = st.sets(st.integers(0, 59).map("e{}".format), max_size=20)
manners = st.sampled_from(["nothing", "before", "beside"])


def forwarded(plan: Plan, bad: set[str], manner: str, count: int, size: int) -> tuple[list[str], list[str]]:
    """The ids that such a sink stores, and those of the events that it does not; the bookkeeping is right."""
    bench = Bench(Whimsical(bad, plan, manner), ids(count), max_batch=size, retry=Retry())
    pauses = bench.until(lambda: not len(bench.forwarder))
    good = [each for each in ids(count) if each not in bad]
    assert set(bench.sink.stored) == set(good)
    assert Counter(bench.done) == Counter(ids(count))
    assert Counter(bench.dead) == Counter(set(ids(count)) & bad)
    assert bench.forwarder.counts["forwarded"] == len(good)
    assert bench.forwarder.counts["dead"] == len(bench.dead)
    assert all(pause >= 0 for pause in pauses)
    return bench.sink.stored, good


@tried
@given(plans, poison, manners, st.integers(1, 60), st.integers(2, 12))
def test_everything_but_the_poison_arrives_and_only_the_poison_becomes_dead_letters(
    plan: Plan, bad: set[str], manner: str, count: int, size: int
) -> None:
    forwarded(list(plan), bad, manner, count, size)


@tried
@given(downs, poison, manners, st.integers(1, 60), st.integers(1, 12))
def test_a_sink_that_says_what_is_wrong_gets_each_event_once_and_in_order(
    plan: Plan, bad: set[str], manner: str, count: int, size: int
) -> None:
    stored, good = forwarded(list(plan), bad, manner, count, size)
    assert stored == good


@tried
@given(downs, doubts, poison, manners, st.integers(1, 60), st.integers(1, 12))
def test_a_sink_that_has_stored_nothing_when_it_raises_gets_each_event_once(
    plan: Plan, doubt: Plan, bad: set[str], manner: str, count: int, size: int
) -> None:
    stored, good = forwarded([*doubt[:4], *plan, *doubt[4:]], bad, manner, count, size)
    assert Counter(stored) == Counter(good)
