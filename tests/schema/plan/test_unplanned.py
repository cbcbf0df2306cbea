"""Properties that a plan does not name: taken out, noted or refused."""

from __future__ import annotations

from typing import Any

import pytest

from pixelmw import Event, Rejected, TrackingPlan
from pixelmw.testing import collect
from tests.support.plans import PERSON, event_of

TREE: dict[str, Any] = {
    "properties": {
        "total": {"type": "number"},
        "o": {"properties": {"x": {}}},
        "free": {"type": "object"},
        "items": {"items": {"properties": {"sku": {}}}},
    }
}


def refusal_of(query: str, plan: TrackingPlan) -> Rejected:
    with pytest.raises(Rejected) as caught:
        event_of(query, plan)
    assert caught.value.code == "invalid"
    return caught.value


BIG = (
    "event=E&properties.total=1.5&properties.o.x=1&properties.o.y.deep=2&properties.free.any=3"
    "&properties.items.0.sku=a&properties.items.0.size=b&properties.other.deep=4"
)


def test_what_the_plan_does_not_name_is_taken_out_and_noted() -> None:
    event = event_of(BIG, TrackingPlan({"E": TREE}, unplanned_properties="omit"))
    assert event["properties"] == {"total": 1.5, "o": {"x": "1"}, "free": {"any": "3"}, "items": [{"sku": "a"}]}
    assert event["context"]["omitted"] == ["properties.items.0.size", "properties.o.y", "properties.other"]


def test_what_the_plan_does_not_name_is_annotated_and_stays() -> None:
    event = event_of(BIG, TrackingPlan({"E": TREE}, unplanned_properties="annotate"))
    assert event["properties"]["o"] == {"x": "1", "y": {"deep": "2"}}
    assert [(each["type"], each["property"], each["meta"]) for each in event["context"]["violationErrors"]] == [
        ("Additional-Properties", name, {"instancePath": f"/properties{at}",
                                         "schemaPath": f"#/properties/properties{schema}/additionalProperties"})
        for name, at, schema in (("size", "/items/0", "/properties/items/items"), ("y", "/o", "/properties/o"),
                                 ("other", "", ""))
    ]  # fmt: skip


def test_what_the_plan_does_not_name_is_refused_with_the_nearest_name() -> None:
    plan = TrackingPlan({"E": TREE}, unplanned_properties="refuse")
    refusal = refusal_of("event=E&properties.totl=1", plan)
    assert (refusal.path, refusal.rule, refusal.planned_name) == ("properties.totl", "additionalProperties", "E")
    assert refusal.message == 'properties.totl is not planned; did you mean "total"?'
    assert refusal_of("event=E&properties.o.zzz=1", plan).message == "properties.o.zzz is not planned"


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"properties": {}, "required": ["a"]}, id="required"),
        pytest.param({"properties": {}, "patternProperties": {"^a": {}}}, id="pattern"),
        pytest.param({"properties": {}, "additionalProperties": {"type": "string"}}, id="additional"),
        pytest.param({"properties": {}, "unevaluatedProperties": {"type": "string"}}, id="unevaluated"),
        pytest.param({"properties": {}, "allOf": [{"properties": {"a": {}}}]}, id="allOf"),
        pytest.param({"properties": {}, "$ref": "#/$defs/t", "$defs": {"t": {"properties": {"a": {}}}}}, id="$ref"),
        pytest.param({"properties": {}, "anyOf": [{}, {"properties": {"a": {}}}]}, id="an alternative"),
        pytest.param({"properties": {}, "if": {"required": ["b"]}, "then": {"properties": {"a": {}}}}, id="a branch"),
        pytest.param({"properties": {}, "dependentRequired": {"b": ["a"]}}, id="dependentRequired"),
        pytest.param({"properties": {}, "dependentSchemas": {"b": {"properties": {"a": {}}}}}, id="dependentSchemas"),
        pytest.param({"minProperties": 1}, id="a schema that lists nothing"),
    ],
)
def test_whatever_names_a_property_plans_it(schema: dict[str, Any]) -> None:
    event = event_of("event=E&properties.a=x", TrackingPlan({"E": schema}, unplanned_properties="refuse"))
    assert event["properties"] == {"a": "x"}


@pytest.mark.parametrize("schema", [{"properties": {}}, {"properties": {}, "additionalProperties": True},
                                    {"properties": {"b": {}}, "not": {"required": ["a", "c"]}}])  # fmt: skip
def test_a_schema_that_only_allows_a_property_does_not_name_it(schema: dict[str, Any]) -> None:
    event = event_of("event=E&properties.a=x", TrackingPlan({"E": schema}, unplanned_properties="omit"))
    assert (event["properties"], event["context"]["omitted"]) == ({}, ["properties.a"])


@pytest.mark.parametrize("violations", ["refuse", "annotate"])
@pytest.mark.parametrize("keyword", ["additionalProperties", "unevaluatedProperties"])
def test_a_property_that_the_schema_forbids_is_omitted_or_noted_once_where_the_plan_says_so(
    keyword: str, violations: Any
) -> None:
    closed = {"E": {"properties": {"a": {"type": "integer"}}, keyword: False}}
    query = "event=E&properties.a=1&properties.b=2"
    context = event_of(query, TrackingPlan(closed, unplanned_properties="omit", violations=violations))["context"]
    assert (context["omitted"], "violationErrors" in context) == (["properties.b"], False)
    plan = TrackingPlan(closed, unplanned_properties="annotate", violations=violations)
    assert [each["property"] for each in event_of(query, plan)["context"]["violationErrors"]] == ["b"]
    if violations == "refuse":
        assert refusal_of(query, TrackingPlan(closed)).rule == keyword
        assert refusal_of("event=E&properties.a=x&properties.b=2", plan).path == "properties.a"


def test_traits_are_properties_too() -> None:
    plan = TrackingPlan({}, types={"identify": PERSON, "group": PERSON}, unplanned_properties="omit")
    for event_type in ("identify", "group"):
        event = event_of("groupId=g&traits.age=36&traits.x=1", plan, event_type)
        assert (event["traits"], event["context"]["omitted"]) == ({"age": 36}, ["traits.x"])


def test_fields_beside_the_properties_are_never_unplanned() -> None:
    common: dict[str, Any] = {"properties": {"properties": {"properties": {"a": {}}}}}
    plan = TrackingPlan({}, common=common, unplanned_properties="omit")
    event = event_of("event=E&properties.a=1&properties.b=1&context.app.name=x&more=1", plan)
    assert (event["properties"], event["more"]) == ({"a": "1"}, "1")
    assert event["context"] == {"app": {"name": "x"}, "ip": "127.0.0.1", "omitted": ["properties.b"]}


def test_nothing_that_came_in_is_changed() -> None:
    kept: list[Any] = []

    def keep(event: Event, request: object) -> None:
        kept.append((event["context"], event["properties"]))

    plan = TrackingPlan({"E": TREE}, unplanned_properties="omit", id="x")
    collect(f"/pixel/v1/track?userId=1&{BIG}", plan=plan, enrich=[keep])
    assert kept == [({}, {"total": "1.5", "o": {"x": "1", "y": {"deep": "2"}}, "free": {"any": "3"},
                          "items": [{"sku": "a", "size": "b"}], "other": {"deep": "4"}})]  # fmt: skip
