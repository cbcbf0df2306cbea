"""What a plan costs: a look-up per event, memory for what is used, and a bound for what a visitor may ask for."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from pixelmw import Collector, Rejected, TrackingPlan
from tests.support.plans import event_of
from tests.support.times import check_times

TYPES = ["string", "number", "integer", "boolean"]
VALUES = ["a", "1.5", "2", "true"]
TEXT = "&".join(f"properties.p{place}={VALUES[place % 4]}" for place in range(20))


def plan_of(events: int) -> dict[str, Any]:
    """A plan of so many events of 20 properties each."""
    properties = {f"p{place}": {"type": TYPES[place % 4], "description": "what it is"} for place in range(20)}
    return {f"Event {number}": {"required": ["p0", "p1"], "properties": properties} for number in range(events)}


def asking(plan: TrackingPlan | None, query: str, **options: Any) -> Callable[[], object]:
    """What sends one request to a collector of its own, as often as it is called."""
    collector = Collector(
        lambda event: None, plan=plan, write_keys="optional", on_reject=lambda refusal: None, **options
    )
    environ: dict[str, Any] = {"QUERY_STRING": f"userId=1&{query}", "REMOTE_ADDR": "127.0.0.1"}

    def ask() -> None:
        try:
            collector.collect("track", environ)
        except Rejected:
            return

    ask()  # compiles what is needed
    return ask


def often(times: int, call: Callable[[], object]) -> Callable[[], object]:
    """What makes *call* so many times, which can be measured."""

    def make() -> None:
        for _ in range(times):
            call()

    return make


@pytest.mark.slow
def test_a_plan_of_a_thousand_events_costs_a_request_what_a_plan_of_one_does() -> None:
    hundred, thousand = plan_of(100), plan_of(1000)
    check_times(
        lambda of_hundred, of_thousand: of_thousand < 20 * of_hundred,
        lambda: TrackingPlan(hundred),
        lambda: TrackingPlan(thousand),
    )
    query = f"event=Event+0&{TEXT}"
    of_one, of_many = asking(TrackingPlan(plan_of(1)), query), asking(TrackingPlan(thousand), query)
    # Were each event asked, it would be hundreds of times as much.
    check_times(lambda one, many: many < 1.5 * one, often(300, of_one), often(300, of_many))


def test_memory_is_for_what_is_used() -> None:
    events = plan_of(60)
    written = len(json.dumps(events))
    TrackingPlan(plan_of(1))
    tracemalloc.start()
    try:
        plan = TrackingPlan(events)
        held, _ = tracemalloc.get_traced_memory()
        assert held < 2 * written  # dicts would take six times as much
        collector = Collector(lambda event: None, plan=plan, write_keys="optional")
        before, _ = tracemalloc.get_traced_memory()
        for number in range(60):  # none of these is in the plan
            collector.collect("track", {"QUERY_STRING": f"userId=1&event=Other+{number}&{TEXT}"})
        unused = tracemalloc.get_traced_memory()[0] - before
        for number in range(6):
            collector.collect("track", {"QUERY_STRING": f"userId=1&event=Event+{number}&{TEXT}"})
        used = tracemalloc.get_traced_memory()[0] - before - unused
        assert unused < 50_000
        assert used < 6 * 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"unplanned": "refuse"},
        {"unplanned_properties": "omit"},
        {"unplanned_properties": "annotate", "violations": "annotate"},
    ],
    ids=str,
)
def test_a_hostile_request_costs_no_more_than_a_small_multiple_of_an_ordinary_one(options: dict[str, Any]) -> None:
    """An ordinary one of its size: 250 parameters, or a name of 20,000 characters, without a plan."""
    plan = TrackingPlan(plan_of(500), **options)
    names = random.Random(23)
    words = ["Event", "event7", "Evnt", "77", "Event 1", "0"]
    hostile = [
        f"event=Event+0&{'&'.join(f'properties.x{number}=1' for number in range(240))}",
        f"event={'+'.join(names.choice(words) for _ in range(3000))}",
        f"event={'+'.join(names.choice(words) for _ in range(10))}",
        f"event=Event+0&{'&'.join(f'properties.p{place}.{number}=x' for place in range(20) for number in range(12))}",
    ]
    for query in hostile:
        planned, plain = often(5, asking(plan, query)), often(5, asking(None, query))
        check_times(lambda one, other: one < 5 * other + 0.005, planned, plain)


def test_a_schema_within_schemas_is_looked_into_once_for_each_level() -> None:
    again, choice = {"$ref": "#/$defs/t"}, {"$ref": "#/$defs/u"}
    definitions: dict[str, Any] = {
        "t": {"properties": {"a": again, "n": {"type": "integer"}}, "anyOf": [choice, choice]},
        "u": {"properties": {"a": {"anyOf": [choice] * 3}}},
    }
    tree = {**again, "$defs": definitions}
    query = "event=E&properties.a.a.a.a.a.a.n=x&properties.a.a.b=1"
    plan = TrackingPlan({"E": tree}, violations="annotate", unplanned_properties="omit")
    event = event_of(query, plan)
    assert event["context"]["omitted"] == ["properties.a.a.b"]
    assert [each["message"] for each in event["context"]["violationErrors"]] == ["must be integer"]
    shallow = asking(plan, "event=E&properties.a.a.n=x&properties.a.b=1")
    # Where each level asks twice, it is 64 times as much.
    check_times(lambda one, other: other < 8 * one, often(5, shallow), often(5, asking(plan, query)))
