"""The options of a plan: unplanned events, violations, versions, and what belongs to the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Event, Rejected, TrackingPlan
from pixelmw.testing import collect
from tests.support.pixel import Pixel
from tests.support.plans import ORDER, event_of, event_of_data, rule, whole

ORDERS = {"Order Completed": ORDER, "Signed Up": {}}
GOOD = "event=Order+Completed&properties.order_id=7&properties.total=9.90"


def refusal_of(query: str, plan: TrackingPlan) -> Rejected:
    with pytest.raises(Rejected) as caught:
        event_of(query, plan)
    assert caught.value.code == "invalid"
    return caught.value


# --- unplanned events ---


def test_an_unplanned_event_is_accepted_unless_the_plan_says_otherwise() -> None:
    assert event_of("event=Opened", TrackingPlan(ORDERS))["context"] == {"ip": "127.0.0.1"}


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Order Complete", "Order Completed"),
        ("order_completed", "Order Completed"),
        ("OrderCompleted", "Order Completed"),
        ("Completed Order", "Order Completed"),
        ("Sign Up", "Signed Up"),
        ("Purchase", None),
        ("x" * 300, None),
    ],
)
def test_an_unplanned_event_is_refused_with_the_nearest_name(name: str, near: str | None) -> None:
    refusal = refusal_of(f"event={name.replace(' ', '+')}", TrackingPlan(ORDERS, unplanned="refuse"))
    assert (refusal.path, refusal.rule, refusal.planned_name) == ("event", "unplanned", None)
    shown = name if len(name) < 64 else f"{name[:64]}…"
    assert refusal.message == f'event "{shown}" is not planned' + (f'; did you mean "{near}"?' if near else "")


@pytest.mark.parametrize(
    ("name", "near"),
    [("Evnt 17 Opend", "Event 17 Opened"), ("event 170 opened", "Event 170 Opened"), ("Something else", None),
     ("Event", None)],
)  # fmt: skip
def test_the_nearest_of_many_names_is_found_among_those_that_begin_a_word_alike(name: str, near: str | None) -> None:
    plan = TrackingPlan({f"Event {number} Opened": {} for number in range(300)}, unplanned="refuse")
    refusal = refusal_of(f"event={name.replace(' ', '+')}", plan)
    assert refusal.message.partition("; ")[2] == (f'did you mean "{near}"?' if near else "")


@pytest.mark.parametrize(("query", "rule"), [("", "required"), ("event=", "pattern"), ("event=+", "pattern")])
def test_an_event_without_a_name_is_refused_by_its_type(query: str, rule: str) -> None:
    refusal = refusal_of(query, TrackingPlan(ORDERS, unplanned="refuse"))
    assert (refusal.path, refusal.rule) == ("event", rule)


def test_an_unplanned_event_without_a_name_is_refused_also_where_its_type_needs_none() -> None:
    pixel = Pixel(plan=TrackingPlan(ORDERS, unplanned="refuse"), schemas={"track": {}})
    assert pixel.get("/pixel/v1/track", "writeKey=k&userId=1").status_code == 400
    assert pixel.refusals[0].message == "event null is not planned"


def test_an_unplanned_event_is_annotated_as_rudderstack_does() -> None:
    context = event_of("event=Opened", TrackingPlan(ORDERS, unplanned="annotate"))["context"]
    assert context["violationErrors"] == [
        {"type": "Unplanned-Event", "message": "no schema for event: Opened", "meta": {}, "property": ""}
    ]


@pytest.mark.parametrize("event_type", ["page", "screen", "alias"])
def test_an_event_of_another_type_is_never_unplanned(event_type: str) -> None:
    assert event_of("previousId=2", TrackingPlan(ORDERS, unplanned="refuse"), event_type)["type"] == event_type


# --- violations ---


def test_a_violation_of_the_types_own_schema_is_refused_all_the_same() -> None:
    plan = TrackingPlan(ORDERS, violations="annotate", unplanned="annotate")
    assert refusal_of(f"{GOOD}&context.screen.width=wide", plan).path == "context.screen.width"


def test_a_valid_event_has_no_note_but_the_plans_id_and_version() -> None:
    plan = TrackingPlan(ORDERS, violations="annotate", unplanned_properties="annotate", id="tp_1", version=4)
    expected = {"ip": "127.0.0.1", "trackingPlanId": "tp_1", "trackingPlanVersion": 4}
    assert event_of(GOOD, plan)["context"] == expected
    assert event_of("previousId=2", plan, "alias")["context"] == expected


def test_an_event_that_plan_and_type_want_in_two_types_is_annotated_as_its_type_has_it() -> None:
    sku: dict[str, Any] = {"properties": {"properties": {"properties": {"sku": {"type": "string"}}}}}
    plan = {"E": {"properties": {"sku": {"type": "integer"}}}}
    query = "/pixel/v1/track?userId=1&event=E&properties.sku=12"
    event = collect(query, schemas={"track": sku}, plan=TrackingPlan(plan, violations="annotate"))
    assert event["properties"] == {"sku": "12"}
    assert [each["message"] for each in event["context"]["violationErrors"]] == ["must be integer"]
    with pytest.raises(Rejected) as caught:
        collect(query, schemas={"track": sku}, plan=TrackingPlan(plan))
    assert (caught.value.path, caught.value.rule) == ("properties.sku", "type")


def test_the_type_is_coerced_by_what_the_plan_has_coerced() -> None:
    counted = {"properties": {"properties": {"if": {"properties": {"n": {"const": 1}}, "required": ["n"]},
                                             "then": {"properties": {"m": {"type": "integer"}}}}}}  # fmt: skip
    plan = TrackingPlan({"E": {"properties": {"n": {"type": "integer"}}}})
    event = collect("/pixel/v1/track?userId=1&event=E&properties.n=1&properties.m=2", schemas={"track": counted},
                    plan=plan)  # fmt: skip
    assert event["properties"] == {"n": 1, "m": 2}


def test_a_text_that_is_too_long_for_a_pattern_is_refused_or_annotated() -> None:
    slow = {"E": {"properties": {"a": {"pattern": "a.*b.*c.*d"}}}}
    query = f"event=E&properties.a={'abc' * 5000}"
    assert refusal_of(query, TrackingPlan(slow)).path == "properties.a"
    event = event_of(query, TrackingPlan(slow, violations="annotate"))
    assert [each["meta"]["instancePath"] for each in event["context"]["violationErrors"]] == ["/properties/a"]


def test_many_texts_that_are_too_much_for_the_patterns_together_are_refused() -> None:
    slow = {"E": {"patternProperties": {"": {"pattern": "a.*b.*c"}}}}
    query = "&".join(f"properties.x{number}={'ab' * 40}" for number in range(200))
    refusal = refusal_of(f"event=E&{query}", TrackingPlan(slow, violations="annotate"))
    assert (refusal.rule, refusal.planned_name) == ("pattern", "E")


# --- versions ---


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("", 1), ("2", 2), ("2.0", 2), ("10", 10), ("3", 1), ("x", 1), ("1", 1)],
)
def test_the_version_that_the_event_names_counts_else_the_oldest(asked: str, expected: int, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps([
        rule("TRACK", "E", whole("properties", {"required": [f"v{version}"]}), version) for version in (10, 2, 1)
    ]))  # fmt: skip
    plan = TrackingPlan.load(path)
    query = f"event=E&context.protocols.event_version={asked}" if asked else "event=E"
    assert refusal_of(query, plan).path == f"properties.v{expected}"
    if asked.isdigit():
        protocols = {"context": {"protocols": {"event_version": int(asked)}}}
        with pytest.raises(Rejected, match=f"v{expected} is required"):
            event_of_data({"event": "E", **protocols}, plan)


# --- what belongs to the server ---


@pytest.mark.parametrize("plan", [None, TrackingPlan(ORDERS), TrackingPlan(ORDERS, id="tp_1", violations="annotate")])
def test_a_visitor_cannot_set_what_the_plan_notes(plan: TrackingPlan | None) -> None:
    forged = "".join(f"&context.{name}=1" for name in ("violationErrors", "omitted", "trackingPlanVersion"))
    pixel = Pixel(plan=plan, enrich=[])
    pixel.get("/pixel/v1/track", f"writeKey=k&userId=1&{GOOD}{forged}&context.trackingPlanId=x&context.other=1")
    expected = {"other": "1"} if plan is None or plan.id is None else {"other": "1", "trackingPlanId": "tp_1"}
    assert pixel.events[0]["context"] == expected


@pytest.mark.parametrize("context", [None, "text"])
def test_a_context_that_an_enricher_has_spoiled_is_made_anew_or_left_alone(context: Any) -> None:
    def spoil(event: Event, request: object) -> None:
        event["context"] = context

    plan = TrackingPlan(ORDERS, id="tp_1")
    url = "/pixel/v1/track?userId=1&event=Signed+Up"
    event = collect(url, plan=plan, enrich=[spoil], schemas={"track": {}})
    assert event["context"] == ({"trackingPlanId": "tp_1"} if context is None else "text")
