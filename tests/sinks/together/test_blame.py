"""An event is refused only for what it does alone, whoever comes at the same time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import ClassVar

import pytest

from pixelmw import Event
from pixelmw.sinks import BatchSink, PartialFailure, Unavailable, Undeliverable
from pixelmw.sinks.together import store
from tests.support.processes import event
from tests.support.visitors import Destination, Visitors, busy, ids

SIXTEEN = [event(f"e{number}") for number in range(16)]


def refusing(error: Exception, *bad: str) -> Destination:
    """A sink that raises *error* for a batch with one of the ids *bad*, and stores nothing of it."""

    def answer(events: list[Event]) -> None:
        if set(bad) & set(ids(events)):
            raise type(error)(*error.args)

    return Destination(answer)


@pytest.mark.parametrize("error", [Undeliverable("never"), ValueError("what?"), KeyError("x")], ids=repr)
@pytest.mark.parametrize("bad", [["e0"], ["e15"], ["e3", "e4"], [f"e{number}" for number in range(16)]], ids=str)
def test_of_those_who_store_together_only_those_at_fault_are_refused(error: Exception, bad: list[str]) -> None:
    sink = refusing(error, *bad)
    visitors = Visitors(sink)
    with busy(sink):
        visitors.come_in_line(sink, *SIXTEEN)
    visitors.leave()
    assert visitors.refused == sorted(bad)
    assert sorted(ids(sink.stored)) == sorted({"first", *ids(SIXTEEN)} - set(bad))
    told = [visitors.told[name] for name in bad]
    assert {(type(each), str(each)) for each in told} == {(type(error), str(error))}
    assert len(set(map(id, told))) == len(bad)


def test_a_visitor_who_is_refused_again_and_again_costs_nobody_else_anything() -> None:
    sink = refusing(ValueError("what?"), *(f"bad{number}" for number in range(200)))
    told: list[Exception] = []

    def insist() -> None:
        for number in range(200):
            try:
                sink(event(f"bad{number}"))
            except Exception as error:
                told.append(error)

    def visit(number: int) -> None:
        for place in range(20):
            sink(event(f"{number}-{place}"))

    insisting = threading.Thread(target=insist)
    visitors = Visitors(lambda each: visit(each["number"]))
    insisting.start()
    visitors.come(*({"messageId": str(number), "number": number} for number in range(15))).leave()
    insisting.join(60)
    assert visitors.refused == []
    assert [type(error) for error in told] == [ValueError] * 200
    assert len(sink.stored) == len(set(ids(sink.stored))) == 15 * 20


def test_while_the_sink_is_down_nobody_is_searched_for_and_everybody_is_told() -> None:
    sink = Destination()
    visitors = Visitors(sink)
    with busy(sink):
        visitors.come_in_line(sink, *SIXTEEN)
        sink.answer = refusing(Unavailable("away"), *ids(SIXTEEN)).answer
    visitors.leave()
    assert sink.calls == [["first"], ids(SIXTEEN)]
    assert {(type(error), str(error)) for error in visitors.told.values()} == {(Unavailable, "away")}
    assert len(set(map(id, visitors.told.values()))) == 16


class Spoiling(BatchSink):
    """Changes each event before it fails, as a sink may that pops a key."""

    def __init__(self) -> None:
        self.stored: list[Event] = []
        self.goes_on = threading.Event()

    def write(self, events: Sequence[Event]) -> None:
        self.goes_on.wait(20)
        taken = [(each.pop("messageId"), each.pop("properties")) for each in events]
        if "bad" in dict(taken):
            raise ValueError("what?")
        self.stored += [{"messageId": name, "properties": properties} for name, properties in taken]


def test_a_sink_that_changes_events_before_it_fails_gets_them_whole_at_the_next_try() -> None:
    sink = Spoiling()
    visitors = Visitors(sink).come(event("first"))
    visitors.come_in_line(sink, *(event(name, 3) for name in ("e1", "bad", "e2")))
    sink.goes_on.set()
    visitors.leave()
    assert visitors.refused == ["bad"]
    assert {each["messageId"]: each["properties"] for each in sink.stored} == {
        "first": {"text": ""},
        "e1": {"text": "xxx"},
        "e2": {"text": "xxx"},
    }


def test_what_a_partial_failure_leaves_untried_is_tried() -> None:
    def answer(events: list[Event]) -> None:
        if "bad" in ids(events):
            place = ids(events).index("bad")
            sink.stored.extend(events[:place])
            untried = dict.fromkeys(range(place + 1, len(events)))
            raise PartialFailure({place: Undeliverable("never"), **untried})

    sink = Destination(answer)
    with pytest.raises(PartialFailure) as caught:
        store(sink, [event(name) for name in ("a", "bad", "b", "c")])
    assert {place: type(error) for place, error in caught.value.failures.items()} == {1: Undeliverable}
    assert ids(sink.stored) == ["a", "b", "c"]


def test_a_worker_hears_what_its_one_call_of_write_raised() -> None:
    sink = refusing(ValueError("what?"), "bad")
    with pytest.raises(ValueError, match="what"):
        store(sink, [event("a"), event("bad")], worker=True)
    assert sink.calls == [["a", "bad"]]


def test_a_plain_callable_is_called_with_each_event_and_the_others_are_stored() -> None:
    stored: list[str] = []

    def keep(each: Event) -> None:
        if each["messageId"] == "bad":
            raise ValueError("what?")
        stored.append(each["messageId"])

    with pytest.raises(PartialFailure) as caught:
        store(keep, [event("a"), event("bad"), event("b")])
    assert {place: type(error) for place, error in caught.value.failures.items()} == {1: ValueError}
    assert stored == ["a", "b"]


class Small(Destination):
    """Takes few at a time."""

    most_together: ClassVar[int] = 4


def test_no_more_events_than_the_class_says_share_a_write() -> None:
    sink = Small()
    visitors = Visitors(sink)
    with busy(sink):
        visitors.come_in_line(sink, *SIXTEEN[:10])
    visitors.leave()
    assert list(map(len, sink.calls)) == [1, 4, 4, 2]
    assert visitors.refused == []


def test_a_ready_batch_shares_a_write_with_visitors() -> None:
    sink = Destination()
    visitors = Visitors(lambda each: store(sink, each["batch"]) if "batch" in each else sink(each))
    with busy(sink):
        visitors.come_in_line(sink, SIXTEEN[0], {"messageId": "ready", "batch": SIXTEEN[1:4]}, SIXTEEN[4])
    visitors.leave()
    assert sink.calls == [["first"], ids(SIXTEEN[:5])]
    assert visitors.refused == []
