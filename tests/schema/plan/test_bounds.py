"""What a plan writes into an event is bounded, whatever the event holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pixelmw import Limits, TrackingPlan
from tests.support.plans import event_of, event_of_data


def of_a(schema: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {"a": schema}}


def test_each_extra_property_that_a_request_may_hold_has_its_violation() -> None:
    plan = TrackingPlan({"E": of_a({"additionalProperties": False})}, violations="annotate")
    event = event_of_data({"event": "E", "properties": {"a": {f"x{number}": 1 for number in range(240)}}}, plan)
    assert len(event["context"]["violationErrors"]) == 240


def test_a_hostile_event_carries_no_more_violations_than_it_may_have_parameters() -> None:
    items = {"items": {"anyOf": [{"type": "integer", "maximum": number} for number in range(9)]}}
    query = "&".join(f"properties.a.{number}=x" for number in range(200))
    event = event_of(f"event=E&{query}", TrackingPlan({"E": of_a(items)}, violations="annotate"))
    found = event["context"]["violationErrors"]
    more = {"type": "Unknown-Violation", "message": "and at least 1024 more violations", "meta": {}, "property": ""}
    assert (len(found), found[-1]) == (257, more)


# Names of 2,000 characters, most of which are those of what holds them.
LONG_NAMES = Limits(key_chars=3000)
MANY: dict[str, Any] = {f"x{number}": 1 for number in range(200)}


@pytest.mark.parametrize("options", [{"violations": "annotate"}, {"unplanned_properties": "annotate"}])
def test_the_text_of_violations_is_bounded_and_the_rest_is_counted(options: dict[str, Any]) -> None:
    schema, properties = (
        {"properties": {}, **({"additionalProperties": False} if "violations" in options else {})},
        MANY,
    )
    for _ in range(7):
        schema, properties = {"properties": {"n" * 250: schema}}, {"n" * 250: properties}
    plan = TrackingPlan({"E": schema}, **options)
    event = event_of_data({"event": "E", "properties": properties}, plan, limits=LONG_NAMES)
    found = event["context"]["violationErrors"]
    assert len(json.dumps(found)) < 80_000
    assert len(found) - 1 + int(found[-1]["message"].split()[1]) == 200


def test_the_names_of_what_was_omitted_are_bounded_too() -> None:
    schema: dict[str, Any] = {"properties": {}}
    properties = MANY
    for _ in range(7):
        schema, properties = {"properties": {"n" * 250: schema}}, {"n" * 250: properties}
    plan = TrackingPlan({"E": schema}, unplanned_properties="omit")
    omitted = event_of_data({"event": "E", "properties": properties}, plan, limits=LONG_NAMES)["context"]["omitted"]
    assert sum(map(len, omitted)) < 33_000
    assert len(omitted) - 1 + int(omitted[-1].split()[1]) == 200
