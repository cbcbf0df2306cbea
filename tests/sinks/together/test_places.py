"""Whose failure it is where a ``write`` passes on other events than those that it was given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.delivery import Background
from pixelmw.sinks import BatchSink, PartialFailure, SinkError, Undeliverable, fan_out
from pixelmw.sinks.together import alone, store
from tests.support.processes import event
from tests.support.visitors import Visitors, ids


class Picky(BatchSink):
    """Refuses each event that is called bad, by its place."""

    def __init__(self) -> None:
        self.stored: list[Event] = []

    def write(self, events: Sequence[Event]) -> None:
        bad = {place: Undeliverable("bad") for place, each in enumerate(events) if each["messageId"].startswith("bad")}
        self.stored += [each for place, each in enumerate(events) if place not in bad]
        if bad:
            raise PartialFailure(bad)


def is_wanted(event: Event) -> bool:
    return not event["messageId"].startswith("robot")


class Without(Picky):
    """Leaves some out."""

    def write(self, events: Sequence[Event]) -> None:
        super().write([each for each in events if is_wanted(each)])


class WithFilter(Picky):
    """Passes on what can be gone through only once."""

    def write(self, events: Sequence[Event]) -> None:
        super().write(filter(is_wanted, events))  # type: ignore[arg-type]


class WithoutInPlace(Picky):
    def write(self, events: Any) -> None:
        events[:] = [each for each in events if is_wanted(each)]
        super().write(events)


class Reversed(Picky):
    def write(self, events: Sequence[Event]) -> None:
        super().write([each for each in events[::-1] if is_wanted(each)])


class OtherWithout(Picky):
    """Leaves out some, and changes the others, so that nobody can tell which is which."""

    def write(self, events: Sequence[Event]) -> None:
        super().write([{**each, "seen": True} for each in events if is_wanted(each)])


class Around(BatchSink):
    """Gives what is left to another sink."""

    def __init__(self) -> None:
        self.inner = Picky()

    @property
    def stored(self) -> list[Event]:
        return self.inner.stored

    def write(self, events: Sequence[Event]) -> None:
        self.inner.write([each for each in events if is_wanted(each)])


class AroundStore(Around):
    def write(self, events: Sequence[Event]) -> None:
        store(self.inner, [each for each in events if is_wanted(each)])


NAMES = ["robot", "bad 1", "1", "robot 2", "2", "bad 2", "3"]
EXACT = [Without, WithFilter, WithoutInPlace, Reversed, Around, AroundStore]


@pytest.mark.parametrize("kind", [*EXACT, OtherWithout])
def test_of_visitors_who_come_together_the_one_at_fault_is_told(kind: Callable[[], Any]) -> None:
    sink = kind()
    visitors = Visitors(sink)
    with alone(sink):
        visitors.come_in_line(sink, *map(event, NAMES))
    visitors.leave()
    assert {name for name in NAMES if visitors.told[name] is not None} == {"bad 1", "bad 2"}
    assert all(isinstance(visitors.told[name], Undeliverable | SinkError) for name in ("bad 1", "bad 2"))
    assert set(ids(sink.stored)) == {"1", "2", "3"}


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("worker", [True, False])
def test_a_batch_fails_by_the_places_of_its_own_events(kind: Callable[[], Any], worker: bool) -> None:
    with pytest.raises(PartialFailure) as caught:
        store(kind(), list(map(event, NAMES)), worker=worker)
    assert sorted(caught.value.failures) == [1, 5]
    with pytest.raises(PartialFailure) as caught:
        fan_out(kind()).write(list(map(event, NAMES)))
    assert sorted(caught.value.failures) == [1, 5]


def test_a_worker_is_told_that_it_is_not_known_which_are_meant() -> None:
    with pytest.raises(SinkError, match="is not known") as caught:
        store(OtherWithout(), list(map(event, NAMES)), worker=True)
    assert not isinstance(caught.value, PartialFailure)


@pytest.mark.parametrize("kind", [*EXACT, OtherWithout])
def test_only_those_at_fault_become_dead_letters(kind: Callable[[], Any]) -> None:
    sink, dead = kind(), list[str]()
    with Background(sink, dead_letter=lambda letter: dead.append(letter["messageId"])) as background:
        for name in NAMES:
            background(event(name))
    assert set(dead) == {"bad 1", "bad 2"}
    assert set(ids(sink.stored)) == {"1", "2", "3"}
