"""What waits is the text that was accepted: neither a sink, an enricher nor the caller can change it afterwards."""

from __future__ import annotations

import copy
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Retry, Spool
from pixelmw.delivery.base import Delivery
from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable
from tests.support.pixel import Pixel
from tests.support.processes import wait_until

RETRY = Retry(first=0.01, cap=0.02)
Make = Callable[..., Delivery]


@pytest.fixture(params=[Background, Spool])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes a wrapper of either kind around a sink."""
    made: list[Delivery] = []

    def wrapper(sink: Any, **options: Any) -> Delivery:
        arguments = (sink,) if request.param is Background else (tmp_path / f"spool-{len(made)}", sink)
        made.append(request.param(*arguments, retry=RETRY, **options))
        return made[-1]

    yield wrapper
    for each in made:
        each.close(5)


def full_event(number: int) -> Event:
    return {
        "messageId": f"id-{number}",
        "type": "track",
        "event": "Order Completed",
        "context": {"page": {"url": "https://shop.example/"}, "ip": "192.0.2.1"},
        "properties": {"total": 9.9, "items": [{"sku": "a"}, {"sku": "b"}]},
    }


class Careless:
    """A sink that takes apart what it gets, and fails for the first few calls, as where its destination is down."""

    def __init__(self, failures: int, error: Callable[[], Exception] = lambda: Unavailable("down")) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0
        self.stored: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.take([event])

    def take(self, events: Sequence[Event]) -> None:
        self.calls += 1
        taken = []
        for event in events:
            taken.append(copy.deepcopy(event))
            event["context"].clear()
            event["properties"]["items"].clear()
            event.pop("context")
            event["extra"] = {"not": {"JSON"}}
        if self.calls <= self.failures:
            raise self.error()
        self.stored += taken


class CarelessBatches(Careless):
    """The same, with batches."""

    def write(self, events: Sequence[Event]) -> None:
        self.take(events)


KINDS = pytest.mark.parametrize("kind", [Careless, CarelessBatches])


@KINDS
@pytest.mark.parametrize("error", [lambda: Unavailable("down"), ConnectionError, lambda: RuntimeError("down")])
def test_a_sink_that_takes_its_event_apart_and_fails_gets_the_whole_event_again(
    make: Make, kind: type[Careless], error: Callable[[], Exception]
) -> None:
    sink = kind(6, error)
    dead: list[Event] = []
    delivery = make(sink, dead_letter=dead.append)
    for number in range(13):
        delivery(full_event(number))
    assert delivery.flush(20)
    assert sorted(sink.stored, key=lambda event: int(event["messageId"][3:])) == list(map(full_event, range(13)))
    assert dead == []


@KINDS
def test_a_dead_letter_is_the_event_that_was_accepted_also_at_its_second_try(make: Make, kind: type[Careless]) -> None:
    letters = Careless(2)
    delivery = make(kind(10**6, lambda: Undeliverable("refused")), dead_letter=letters)
    for number in range(3):
        delivery(full_event(number))
    assert delivery.flush(20)
    assert letters.stored == list(map(full_event, range(3)))


class TakesListApart:
    """A batch sink that takes each event out of its list before it sends it, and is down at first."""

    def __init__(self) -> None:
        self.is_down = True
        self.stored: list[str] = []

    def __call__(self, event: Event) -> None:
        self.write([event])

    def write(self, events: list[Event]) -> None:
        while events:
            event = events.pop()
            if self.is_down:
                raise ConnectionError
            self.stored.append(event["messageId"])


@pytest.mark.parametrize("count", [1, 2, 20])
def test_a_sink_that_takes_its_list_apart_and_fails_gets_all_events_again(make: Make, count: int) -> None:
    sink = TakesListApart()
    delivery = make(sink, dead_letter=print)
    delivery.write([full_event(number) for number in range(count)])
    assert not delivery.flush(0.2)
    assert (delivery.stats()["forwarded"], delivery.stats()["queued"]) == (0, count)
    sink.is_down = False
    assert delivery.flush(20)
    assert sorted(sink.stored) == sorted(f"id-{number}" for number in range(count))


def test_what_is_changed_after_acceptance_is_not_delivered(make: Make) -> None:
    """By an enricher that has kept the event, say, or by whoever stores an object of its own twice."""
    kept: list[Event] = []
    sink = Careless(3)
    delivery = make(sink)
    pixel = Pixel(sink=delivery, enrich=[lambda event, request: kept.append(event)])
    query = "writeKey=k&anonymousId=a&event=e&context.a=b&properties.items.0=c"
    assert pixel.get("/pixel/v1/track", query).status_code == 200
    before = copy.deepcopy(kept[0])
    kept[0]["context"]["a"] = "changed"
    kept[0]["properties"]["items"].append("added")
    kept[0]["late"] = object()
    assert delivery.flush(20)
    wait_until(lambda: sink.stored)
    assert sink.stored == [before]


def test_a_dict_of_its_own_comes_with_each_event(make: Make) -> None:
    """Two events that share a part when they are stored do not share it in the sink."""
    found: list[Event] = []
    delivery = make(found.append)
    shared = {"page": {"url": "/"}}
    delivery.write([{"messageId": "1", "context": shared}, {"messageId": "2", "context": shared}])
    assert delivery.flush(20)
    assert found[0]["context"] == found[1]["context"]
    assert found[0]["context"] is not found[1]["context"]


def circle() -> Event:
    event: Event = {}
    event["event"] = event
    return event


NOT_JSON = {
    "NaN": {"properties": {"total": float("nan")}},
    "infinity": {"properties": {"total": float("-inf")}},
    "bytes": {"properties": {"name": b"bytes"}},
    "a set": {"properties": {"names": {"a"}}},
    "an object": {"properties": object()},
    "half of a surrogate pair": {"event": "\ud800"},
    "a name that is bytes": {"properties": {b"name": 1}},
    "a circle": circle(),
}


@pytest.mark.parametrize("event", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_refused_before_it_is_taken(make: Make, event: Event) -> None:
    sink = Careless(0)
    delivery = make(sink)
    with pytest.raises(Undeliverable):
        delivery(event)
    good = full_event(1)
    with pytest.raises(PartialFailure) as caught:
        delivery.write([good, event, full_event(2)])
    assert list(caught.value.failures) == [1]
    assert isinstance(caught.value.failures[1], Undeliverable)
    assert delivery.flush(20)
    assert sink.stored == [full_event(1), full_event(2)]
    assert delivery.stats()["stored"] == 2


def test_what_is_not_json_is_refused_though_a_full_one_drops(make: Make) -> None:
    full = {"max_queue": 1} if isinstance(make(print), Background) else {"max_bytes": 1}
    delivery = make(Careless(10**6), when_full="drop", **full)
    with pytest.raises(Undeliverable):
        delivery({"event": float("nan")})


def test_an_event_that_no_sink_can_have_is_a_503_and_never_waits(make: Make) -> None:
    delivery = make(Careless(0))
    pixel = Pixel(sink=delivery, enrich=[lambda event, request: event.update(extra=b"bytes")])
    answer = pixel.get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e")
    assert (answer.status_code, answer.headers["X-Pixel-Error"]) == (503, "unavailable")
    assert delivery.stats()["queued"] == 0


def test_an_event_nested_as_deep_as_it_may_be_is_refused_or_delivered(make: Make) -> None:
    found: list[Event] = []
    delivery = make(found.append)
    outcomes: Counter[str] = Counter()
    for depth in [*range(1, 100, 33), *range(sys.getrecursionlimit() - 120, sys.getrecursionlimit() + 20), 100_000]:
        nested: Any = "core"
        for _ in range(depth):
            nested = {"a": nested}
        try:
            delivery({"messageId": str(depth), "event": nested})
            outcomes["taken"] += 1
        except Undeliverable:
            outcomes["refused"] += 1
        while isinstance(nested, dict):  # so deep a dict is destroyed from its outside, lest its destructor recurses
            nested = nested.pop("a")
    delivery(full_event(1))
    assert delivery.flush(20)
    assert len(found) == outcomes["taken"] + 1
    assert min(outcomes.values()) > 0


def test_many_brackets_that_are_no_nesting_are_taken(make: Make) -> None:
    found: list[Event] = []
    delivery = make(found.append)
    event = {"messageId": "1", "text": "[{" * 500, "items": [{"a": []}] * 500}
    delivery(event)
    assert delivery.flush(20)
    assert found == [event]
