"""Every format of a plan loads unchanged, and then means the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Rejected, TrackingPlan
from tests.support.plans import DRAFT_4, DRAFT_7, ORDER, PLANS, SHAPES, WITH_TYPES, event_of, rule, whole, write

COMPLETED = "event=Order+Completed&properties.order_id=7"


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def saved(directory: Path, plan: Any) -> Path:
    path = directory / "plan.json"
    path.write_text(json.dumps(plan))
    return path


def test_a_plan_is_recognised_by_its_structure(shape: str, tmp_path: Path) -> None:
    plan = TrackingPlan.load(write(tmp_path / "plan" if shape == "a folder" else tmp_path, shape))
    assert shape in plan.shape
    assert sorted(plan.events) == ["Order Completed", "Signed Up"]


def test_a_planned_event_is_coerced_and_accepted(shape: str, tmp_path: Path) -> None:
    plan = TrackingPlan.load(str(write(tmp_path, shape)))
    event = event_of(f"{COMPLETED}&properties.total=9.90&properties.coupon=x&properties.more=1", plan)
    assert event["properties"] == {"order_id": "7", "total": 9.9, "coupon": "x", "more": "1"}
    assert "properties" not in event_of("event=Signed+Up", plan)
    assert event_of("event=Anything", plan)["event"] == "Anything"


@pytest.mark.parametrize(
    ("query", "path", "rule"),
    [
        ("&properties.total=much", "properties.total", "type"),
        ("&properties.total=-1", "properties.total", "minimum"),
        ("", "properties.total", "required"),
    ],
)
def test_an_event_that_breaks_its_schema_is_refused(
    shape: str, query: str, path: str, rule: str, tmp_path: Path
) -> None:
    with pytest.raises(Rejected) as caught:
        event_of(COMPLETED + query, TrackingPlan.load(write(tmp_path, shape)))
    assert (caught.value.code, caught.value.path, caught.value.rule) == ("invalid", path, rule)


def test_absent_properties_are_judged_as_an_empty_object(shape: str, tmp_path: Path) -> None:
    with pytest.raises(Rejected) as caught:
        event_of("event=Order+Completed", TrackingPlan.load(write(tmp_path, shape)))
    assert (caught.value.path, caught.value.rule) == ("properties.order_id", "required")


def test_the_same_violations_are_annotated_whatever_the_format(shape: str, tmp_path: Path) -> None:
    plan = TrackingPlan.load(write(tmp_path, shape, {"additionalProperties": False}), violations="annotate")
    event = event_of("event=Order+Completed&properties.total=much&properties.more=1", plan)
    place = "#/$defs/order" if shape in ("Data Catalog", "RudderTyper") else "#/properties/properties"
    expected = [
        ("Required-Missing", "must have required property 'order_id'", "/properties", "/required", "order_id"),
        ("Additional-Properties", "must NOT have additional properties 'more'", "/properties",
         "/additionalProperties", "more"),
        ("Datatype-Mismatch", "must be number", "/properties/total", "/properties/total/type", ""),
    ]  # fmt: skip
    assert event["context"]["violationErrors"] == [
        {"type": kind, "message": message, "meta": {"instancePath": at, "schemaPath": place + path}, "property": name}
        for kind, message, at, path, name in expected
    ]


@pytest.mark.parametrize("typed", WITH_TYPES)
def test_the_other_types_are_judged_by_their_traits(typed: str, tmp_path: Path) -> None:
    plan = TrackingPlan.load(write(tmp_path, typed))
    assert event_of("traits.age=36", plan, "identify")["traits"] == {"age": 36}
    with pytest.raises(Rejected) as caught:
        event_of("traits.age=old", plan, "identify")
    assert caught.value.path == "traits.age"


@pytest.mark.parametrize(
    "order",
    [
        {"patternProperties": {"(": {}}},
        {"patternProperties": {"(a+)+$": {}}},
        {"minProperties": "two"},
        {"not": {"$ref": "https://elsewhere.example/schema.json"}},
        {"anyOf": [{"type": "text"}]},
        {"$ref": "#/nowhere"},
        {"$schema": "http://json-schema.org/draft-03/schema#"},
    ],
    ids=["pattern", "exponential", "keyword", "remote", "type", "reference", "dialect"],
)
def test_a_schema_that_does_not_compile_is_refused_when_the_plan_is_loaded(
    shape: str, order: dict[str, Any], tmp_path: Path
) -> None:
    """In RudderStack's validator, events of such a schema count as valid."""
    if "$schema" in order and shape in ("a folder", "Data Catalog", "RudderTyper"):
        path = write(tmp_path, shape)
        file = path / "track" / "Order Completed.json" if path.is_dir() else path
        file.write_text(file.read_text().replace("draft-07/", "draft-03/").replace("iglucentral", "elsewhere/iglu"))
        if path.is_dir():
            file.write_text(json.dumps({**order, **ORDER}))
    elif "$schema" in order and shape != "pixelmw":
        path = write(tmp_path, shape)
        path.write_text(path.read_text().replace("draft-07/", "draft-03/"))
    else:
        path = write(tmp_path, shape, order)
    with pytest.raises(ValueError, match="the schema of 'Order Completed'") as caught:
        TrackingPlan.load(path)
    file_name = "Order Completed.json" if shape == "a folder" else "plan.json"
    assert f"{file_name}, line 1" in str(caught.value)


def test_what_json_schema_does_not_know_is_ignored_and_named_once(tmp_path: Path) -> None:
    named = {shape: {*TrackingPlan.load(write(tmp_path / "plan" if shape == "a folder" else tmp_path, shape)).ignored}
             for shape in SHAPES}  # fmt: skip
    assert named == {
        "Config API": {"labels", "$id", "id", "{}"},
        "Public API": {"labels", "$id", "id", "{}"},
        "Typewriter 8": {"$id", "id", "{}", "eventMetadata"},
        "first form": {"labels", "$id", "id", "{}", "version"},
        "Data Catalog": {"required: []"},
        "RudderTyper": {"required: []"},
        "pixelmw": set(),
        "a folder": {"Iglu's $schema", "self"},
    }


def test_a_property_may_be_called_like_a_note(tmp_path: Path) -> None:
    schema = {"properties": {"id": {"type": "integer"}, "labels": {"type": "integer"}, "version": {"type": "integer"}}}
    plan = TrackingPlan.load(saved(tmp_path, {"Opened": schema}))
    event = event_of("event=Opened&properties.id=1&properties.labels=2&properties.version=3", plan)
    assert event["properties"] == {"id": 1, "labels": 2, "version": 3}
    assert plan.ignored == ()


@pytest.mark.parametrize(("shape", "expected"), [
    ("Config API", ("rs_1", None)), ("Public API", (None, None)), ("Typewriter 8", ("tp_1", None)),
    ("first form", ("rs_1", 4)), ("Data Catalog", ("tp_1", 4)), ("RudderTyper", ("tp_1", 4)), ("pixelmw", (None, None)),
])  # fmt: skip
def test_events_carry_the_id_and_the_version_of_the_file_or_the_given_ones(
    shape: str, expected: tuple[Any, Any], tmp_path: Path
) -> None:
    path = write(tmp_path, shape)
    context = event_of("event=Signed+Up", TrackingPlan.load(path))["context"]
    assert (context.get("trackingPlanId"), context.get("trackingPlanVersion")) == expected
    context = event_of("event=Signed+Up", TrackingPlan.load(path, id="mine", version=9))["context"]
    assert (context["trackingPlanId"], context["trackingPlanVersion"]) == ("mine", 9)


def test_a_plan_of_draft_4_may_have_ids_and_nothing_required(tmp_path: Path) -> None:
    properties = {"type": "object", "required": [], "properties": {"n": {"id": "/properties/n", "type": "integer"}}}
    schema = whole("properties", properties) | {"$schema": DRAFT_4, "id": "/properties/x"}
    plan = TrackingPlan.load(saved(tmp_path, {"name": "old", "events": [{"name": "Opened", "rules": schema}]}))
    assert event_of("event=Opened&properties.n=1", plan)["properties"] == {"n": 1}
    assert "Typewriter 6" in plan.shape


@pytest.mark.parametrize("wrap", [
    lambda rules: rules, lambda rules: {"rules": rules}, lambda rules: {"data": {"rules": rules}},
    lambda rules: {"data": {"trackingPlan": {"id": "tp_1", "rules": rules}}},
], ids=["a list", "rules", "data", "a plan in data"])  # fmt: skip
def test_the_rules_of_the_public_api_come_in_several_wrappings(wrap: Any, tmp_path: Path) -> None:
    terraform = {"type": "TRACK", "key": "Opened", "version": 1, "json_schema": json.dumps(SIZED)}
    plan = TrackingPlan.load(saved(tmp_path, wrap([terraform])))
    assert event_of("event=Opened&properties.n=1", plan)["properties"] == {"n": 1}


SIZED = whole("properties", {"properties": {"n": {"type": "integer"}}})


def test_a_common_schema_holds_for_events_of_all_types(tmp_path: Path) -> None:
    common = {"properties": {"context": {"required": ["app"]}}}
    global_ = {"rules": {"events": [], "global": common}}
    for plan in (saved(tmp_path, [rule("COMMON", None, common)]), saved(tmp_path, global_)):
        for event_type, query in (("track", "event=Any"), ("page", ""), ("alias", "previousId=2")):
            with pytest.raises(Rejected) as caught:
                event_of(query, TrackingPlan.load(plan), event_type)
            assert caught.value.path == "context.app"
            event_of(f"{query}&context.app.name=x", TrackingPlan.load(plan), event_type)


def test_a_common_schema_takes_absent_properties_or_traits_for_an_empty_object() -> None:
    needs = {"properties": {section: {"required": ["team"]} for section in ("properties", "traits")}}
    for event_type, path in (("track", "properties.team"), ("page", "properties.team"), ("group", "traits.team")):
        with pytest.raises(Rejected) as caught:
            event_of("event=Any&groupId=g", TrackingPlan({}, common=needs), event_type)
        assert caught.value.path == path
    assert event_of("previousId=2", TrackingPlan({}, common=needs), "alias")


def test_the_traits_of_a_catalog_may_stand_in_the_context(tmp_path: Path) -> None:
    traits = {"required": ["age"], "properties": {"age": {"type": "integer"}}}
    rules = whole("context", {"properties": {"traits": traits}})
    event = {"name": "", "eventType": "identify", "identitySection": "context.traits", "rules": rules}
    plan = TrackingPlan.load(saved(tmp_path, {"events": [event]}), unplanned_properties="omit")
    kept = event_of("context.traits.age=36&context.traits.x=1&context.app.name=a", plan, "identify")
    assert (kept["context"]["traits"], kept["context"]["omitted"]) == ({"age": 36}, ["context.traits.x"])
    with pytest.raises(Rejected) as caught:
        event_of("", plan, "identify")
    assert caught.value.path == "context.traits.age"


def test_the_formats_of_the_samples_are_those_that_the_tests_know() -> None:
    assert len(PLANS) == 7
    assert DRAFT_7 in json.dumps(PLANS["Public API"])
