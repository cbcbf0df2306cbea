"""What users of Segment, Typewriter, RudderStack, Snowplow and others report about their plans, tried with ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Rejected, TrackingPlan
from tests.support.plans import DRAFT_4, event_of, event_of_data, rule, whole


def loaded(directory: Path, plan: Any, **options: Any) -> TrackingPlan:
    path = directory / "plan.json"
    path.write_text(json.dumps(plan))
    return TrackingPlan.load(path, **options)


def refusal_of(query: str, plan: TrackingPlan, event_type: str = "track") -> Rejected:
    with pytest.raises(Rejected) as caught:
        event_of(query, plan, event_type)
    return caught.value


SUBSCRIBED = {"properties": {"subscription_id": {"type": "string"}}}


def test_omitted_properties_never_reach_the_sink() -> None:
    """Unplanned properties are seen although they are omitted: https://github.com/segment-boneyard/segment-docs/pull/6158."""
    plan = TrackingPlan({"Subscribed": SUBSCRIBED}, unplanned_properties="omit")
    event = event_of("event=Subscribed&properties.subscription_id=1&properties.name=Ada&properties.a.b=c", plan)
    assert "Ada" not in json.dumps(event)
    assert event["properties"] == {"subscription_id": "1"}


def test_the_names_of_omitted_properties_are_in_the_event() -> None:
    """What becomes of what was omitted: https://github.com/segment-boneyard/segment-docs/pull/7190."""
    plan = TrackingPlan({"Subscribed": SUBSCRIBED}, unplanned_properties="omit")
    assert event_of("event=Subscribed&properties.a\\.b=1", plan)["context"]["omitted"] == ["properties.a\\.b"]


def test_a_property_of_a_newer_version_is_planned_for_events_that_name_it(tmp_path: Path) -> None:
    """Judged by version 1 only: https://github.com/segment-boneyard/segment-docs/pull/6638."""
    newer = {"properties": {**SUBSCRIBED["properties"], "plan": {}}}
    rules = [rule("TRACK", "Subscribed", whole("properties", schema), n) for n, schema in ((1, SUBSCRIBED), (2, newer))]
    plan = loaded(tmp_path, rules, unplanned_properties="refuse")
    event = {"event": "Subscribed", "properties": {"plan": "pro"}, "context": {"protocols": {"event_version": 2}}}
    assert event_of_data(event, plan)["properties"] == {"plan": "pro"}
    assert refusal_of("event=Subscribed&properties.plan=pro", plan).message == "properties.plan is not planned"


def test_unplanned_identify_events_can_be_refused_by_the_common_schema(tmp_path: Path) -> None:
    """How to block identify events: https://github.com/segment-boneyard/segment-docs/pull/4853."""
    common = {"properties": {"type": {"enum": ["track", "page"]}}}
    plan = loaded(tmp_path, [rule("COMMON", None, common)])
    assert refusal_of("traits.age=1", plan, "identify").path == "type"
    assert event_of("", plan, "page")["type"] == "page"


def test_unplanned_events_are_refused_if_the_plan_says_so() -> None:
    """A source did not read that setting: https://github.com/segmentio/analytics-next/pull/373."""
    assert refusal_of("event=__default", TrackingPlan({"Opened": {}}, unplanned="refuse")).rule == "unplanned"


def test_an_enum_without_a_type_in_an_old_plan_of_typewriters_works(tmp_path: Path) -> None:
    """Such a plan broke the generator: https://github.com/segmentio/typewriter/issues/64."""
    properties = {"type": "object", "required": ["form"], "properties": {"form": {"enum": ["footer", "callout"]}}}
    rules = whole("properties", properties) | {"$schema": DRAFT_4}
    rules["properties"] |= {"context": {}, "traits": {}}
    plan = loaded(tmp_path, {"name": "n", "events": [{"name": "Newsletter Signup", "rules": rules, "version": 1}]})
    assert event_of("event=Newsletter+Signup&properties.form=footer", plan)
    assert refusal_of("event=Newsletter+Signup&properties.form=header", plan).rule == "enum"


def test_a_keyword_that_a_tool_has_added_is_ignored_and_named(tmp_path: Path) -> None:
    """ajv's strict mode stops at it: https://github.com/segmentio/typewriter/issues/323."""
    items = {"type": "array", "items": {"type": "integer", "isNewProperty": True}}
    plan = loaded(tmp_path, [rule("TRACK", "E", whole("properties", {"properties": {"a": items}}))])
    assert plan.ignored == ("isNewProperty",)
    assert event_of("event=E&properties.a.0=1", plan)["properties"] == {"a": [1]}


def test_null_may_be_among_the_values_of_an_enum() -> None:
    """Typewriter had to learn it: https://github.com/segmentio/typewriter/pull/159."""
    plan = TrackingPlan({"E": {"properties": {"size": {"type": ["string", "null"], "enum": ["S", "M", None]}}}})
    assert event_of("event=E&properties.size=null", plan)["properties"] == {"size": None}
    assert event_of("event=E&properties.size=S", plan)["properties"] == {"size": "S"}
    assert refusal_of("event=E&properties.size=L", plan).rule == "enum"


def test_a_self_describing_schema_is_one_of_draft_4(tmp_path: Path) -> None:
    """igluctl does not know the keyword "self": https://github.com/snowplow/iglu-central/issues/853."""
    (tmp_path / "track").mkdir()
    schema = {
        "$schema": "http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#",
        "self": {"vendor": "com.shop", "name": "opened", "format": "jsonschema", "version": "1-0-0"},
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 1, "exclusiveMinimum": True}},
        "required": [],
        "additionalProperties": False,
    }
    (tmp_path / "track" / "Opened.json").write_text(json.dumps(schema))
    plan = TrackingPlan.load(tmp_path)
    assert event_of("event=Opened&properties.n=2", plan)["properties"] == {"n": 2}
    assert refusal_of("event=Opened&properties.n=1", plan).message == "properties.n must be greater than 1; it is 1"
    assert refusal_of("event=Opened&properties.m=1", plan).rule == "additionalProperties"


def test_names_types_and_core_properties_of_all_events_can_be_planned(tmp_path: Path) -> None:
    """A wish for naming conventions: https://github.com/PostHog/posthog/issues/31440."""
    named = {"event": {"pattern": "^[A-Z][a-z]+ [A-Z][a-z]+ed$"}, "properties": {"required": ["team"]}}
    plan = TrackingPlan({"Order Placed": {"properties": {"total": {"type": "number"}}}}, common={"properties": named})
    assert event_of("event=Order+Placed&properties.team=a&properties.total=1", plan)["properties"]["total"] == 1
    assert refusal_of("event=placeOrder&properties.team=a", plan).path == "event"
    assert refusal_of("event=Order+Placed&properties.total=1", plan).path == "properties.team"


def test_a_property_in_the_wrong_case_is_told_the_right_one() -> None:
    """``blog_ID`` was refused without a word: https://github.com/Automattic/wp-calypso/pull/15211."""
    plan = TrackingPlan({"Read": {"properties": {"blog_id": {}, "feed_id": {}}}}, unplanned_properties="refuse")
    assert refusal_of("event=Read&properties.blog_ID=1", plan).message == (
        'properties.blog_ID is not planned; did you mean "blog_id"?'
    )


def test_a_schema_that_breaks_the_validator_does_not_let_events_pass(tmp_path: Path) -> None:
    """There the event passes with status 200: https://github.com/rudderlabs/rudder-transformer/pull/2673."""
    rules = whole("properties", {"properties": {"a": {"type": "strnig"}}})
    event = {"name": "E", "eventType": "track", "rules": rules}
    with pytest.raises(ValueError, match="at /events/0/rules/properties/properties/properties/a/type"):
        loaded(tmp_path, {"events": [event]})
