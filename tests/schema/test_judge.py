"""Validation, and the words of a refusal (rule 9 of the contract)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pixelmw.events import EVENT_TYPES
from pixelmw.schema import bundled_schema
from tests.support.pixel import Pixel

PATHS = {f"/{name}": name for name in EVENT_TYPES}


@pytest.mark.parametrize("name", ["common", *EVENT_TYPES])
def test_a_bundled_schema_is_a_json_schema_and_has_its_urn(name: str) -> None:
    schema = bundled_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:pixelmw:{name}"


@pytest.mark.parametrize(
    ("event_type", "query"),
    [
        ("page", ""),
        ("screen", "name=Home"),
        ("track", "event=e"),
        ("identify", "traits.email=a@b.example&traits.age=42"),
        ("group", "groupId=g&traits.employees=3"),
        ("alias", "userId=u&previousId=p"),
    ],
)
@pytest.mark.parametrize("who", ["anonymousId=a", "userId=u"])
def test_every_event_type_accepts_its_ordinary_event(event_type: str, query: str, who: str) -> None:
    assert Pixel(paths=PATHS).collected(f"/{event_type}", f"writeKey=k&{who}&{query}")["type"] == event_type


@pytest.mark.parametrize(
    ("event_type", "query", "missing"),
    [
        ("page", "", "anonymousId"),
        ("screen", "", "anonymousId"),
        ("track", "event=e", "anonymousId"),
        ("track", "anonymousId=a", "event"),
        ("identify", "", "anonymousId"),
        ("group", "anonymousId=a", "groupId"),
        ("group", "anonymousId=a&groupId=", "groupId"),
        ("alias", "anonymousId=a&userId=u", "previousId"),
        ("alias", "anonymousId=a&previousId=p", "userId"),
    ],
)
def test_every_event_type_refuses_an_event_without_its_ids(event_type: str, query: str, missing: str) -> None:
    refusal = Pixel(paths=PATHS).refused(f"writeKey=k&{query}", path=f"/{event_type}")
    assert (refusal.code, refusal.path, refusal.event_type) == ("invalid", missing, event_type)
    assert "is required" in refusal.message


@pytest.mark.parametrize("blank", ["", "+", "%E2%80%83%09"])
def test_a_track_event_needs_a_name_that_is_not_blank(pixel: Pixel, blank: str) -> None:
    refusal = pixel.refused(f"writeKey=k&anonymousId=a&event={blank}")
    assert (refusal.path, refusal.rule, refusal.message) == ("event", "pattern", "event must not be blank")


@pytest.mark.parametrize(
    ("schema", "query", "path", "rule", "message"),
    [
        pytest.param({"properties": {"p": {"type": "integer"}}}, "p=x", "p", "type",
                     'p must be of type "integer"; it is "x"', id="type"),
        pytest.param({"properties": {"p": {"type": ["integer", "null"]}}}, "p.a=x", "p", "type",
                     'p must be of type ["integer", "null"]; it is {"a": "x"}', id="types"),
        pytest.param({"properties": {"p": {"enum": ["a", "b"]}}}, "p=x", "p", "enum",
                     'p must be one of ["a", "b"]; it is "x"', id="enum"),
        pytest.param({"properties": {"p": {"minimum": 3, "type": "number"}}}, "p=2", "p", "minimum",
                     "p must be at least 3; it is 2", id="minimum"),
        pytest.param({"properties": {"p": {"pattern": "^a"}}}, "p=x", "p", "pattern",
                     'p must match the pattern "^a"; it is "x"', id="pattern"),
        pytest.param({"properties": {"p": {"maxLength": 3}}}, f"p={'x' * 99}", "p", "maxLength",
                     f'p must have at most 3 characters; it is "{"x" * 64}…"', id="at most 64 characters"),
        pytest.param({"properties": {"p": {"items": {"maxLength": 1}}}}, "p.0=a&p.1=bb", "p.1", "maxLength",
                     'p.1 must have at most 1 characters; it is "bb"', id="inside a list"),
        pytest.param({"properties": {"p": {"required": ["a.b"]}}}, "p.c=x", r"p.a\.b", "required",
                     r"p.a\.b is required", id="a name with a dot"),
        pytest.param({"properties": {"p": {"additionalProperties": False, "properties": {"a": {}},
                                           "patternProperties": {"^x": {}}}}}, "p.a=1&p.x1=1&p.z=1&p.b=1",
                     "p.b", "additionalProperties", "p.b is not among the properties that the schema knows",
                     id="an unknown property"),
        pytest.param({"properties": {"p": False}}, "p=x", "p", "false", "p is not allowed",
                     id="a schema that is false"),
        pytest.param({"properties": {"p": {"items": False}}}, "p.0=x", "p", "items",
                     'p must satisfy items; it is ["x"]',
                     id="a false schema of items"),
        pytest.param({"properties": {"p": {"allOf": [False]}}}, "p=x", "p", "false", "p is not allowed",
                     id="a false schema in place"),
        pytest.param({"anyOf": [{"required": ["p"]}, {"required": ["q"]}]}, "r=1", "p", "anyOf",
                     "p or q is required", id="one of two"),
        pytest.param({"properties": {"p": {"anyOf": [{"const": "a"}, {"const": "b"}]}}}, "p=x", "p", "anyOf",
                     'p must be one of ["a", "b"]; it is "x"', id="none of several"),
        pytest.param({"not": {"required": ["p"]}}, "p=x", "p", "not", "p is not allowed", id="not"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_parameter_and_the_rule(
    schema: dict[str, Any], query: str, path: str | None, rule: str, message: str | None
) -> None:
    refusal = Pixel(schemas={"track": schema}).refused(f"writeKey=k&event=e&{query}")
    assert (refusal.code, refusal.path, refusal.rule) == ("invalid", path, rule)
    assert refusal.message == message


def test_the_most_telling_of_several_faults_is_reported_whatever_their_order(pixel: Pixel) -> None:
    faults = ["context.screen.width=x", "properties.revenue=x", "event=", "context.page=x"]
    reported = set()
    for turn in range(4):
        query = "&".join(faults[turn:] + faults[:turn])
        refusal = pixel.refused(f"writeKey=k&{query}")
        reported.add((refusal.path, refusal.rule))
    assert reported == {("event", "pattern")}


def test_a_control_character_in_a_value_does_not_reach_the_message(pixel: Pixel) -> None:
    refusal = pixel.refused("writeKey=k&anonymousId=a&event=e&properties.revenue=%1B[31m%0D%0A%E2%80%AE")
    assert refusal.message == 'properties.revenue must be of type "number"; it is "\ufffd[31m\ufffd\ufffd\ufffd"'


def test_a_users_schema_may_build_on_the_bundled_one() -> None:
    schema = {
        "allOf": [{"$ref": "urn:pixelmw:track"}],
        "properties": {"properties": {"properties": {"seats": {"type": "integer"}}, "required": ["seats"]}},
    }
    pixel = Pixel(schemas={"track": schema})
    event = pixel.track("properties.seats=2&context.screen.width=1440&properties.revenue=1.5")
    assert event["properties"] == {"seats": 2, "revenue": 1.5}
    assert event["context"]["screen"] == {"width": 1440}
    assert pixel.refused("writeKey=k&event=e&properties.seats=2").path == "anonymousId"


def test_a_users_schema_replaces_the_bundled_one() -> None:
    pixel = Pixel(schemas={"track": {}})
    assert "anonymousId" not in pixel.collected("/pixel/v1/track", "writeKey=k")
    assert pixel.refused("writeKey=k", path="/pixel/v1/page").path == "anonymousId"


def test_unknown_properties_are_welcome_in_the_bundled_schemas(pixel: Pixel) -> None:
    query = "x=1&context.x=1&context.page.x.y=1&context.device.x=1&properties.x.0=1"
    assert pixel.track(query)["properties"] == {"x": ["1"]}


def test_formats_are_annotations_and_do_not_depend_on_what_is_installed() -> None:
    pixel = Pixel(schemas={"track": {"properties": {"p": {"format": "date-time"}}}})
    assert pixel.track("p=garbage")["p"] == "garbage"


def test_the_sink_gets_exactly_what_the_schema_accepted() -> None:
    seen = []
    schema = {"properties": {"properties": {"properties": {"n": {"type": "integer"}}}}}
    pixel = Pixel(schemas={"track": schema}, sink=lambda event: seen.append(json.dumps(event)))
    pixel.get("/pixel/v1/track", "writeKey=k&event=e&properties.n=7")
    (event,) = map(json.loads, seen)
    Draft202012Validator(schema).validate(event)
    assert event["properties"] == {"n": 7}
