"""A compiled schema finds the errors that jsonschema finds, and is certain that ordinary events are valid."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import ValidationError
from jsonschema.protocols import Validator

from pixelmw.events import EVENT_TYPES
from pixelmw.schema import bundled_schema
from pixelmw.schema.compiled import CompiledSchema, Path
from pixelmw.schema.load import load_schema
from tests.support.needs import conformance
from tests.support.pixel import Pixel


def both(schema: dict[str, Any]) -> tuple[CompiledSchema, Validator]:
    """The compiled schema, and jsonschema's validator for the same schema."""
    validator, located = load_schema("a schema", schema)
    return CompiledSchema(located, validator), validator


def place_of(path: Path, error: ValidationError) -> object:
    """The path and the keyword of an error. For a schema that is false, jsonschema does not say where it is."""
    return ((*path, *error.absolute_path), error.validator) if error.validator else "a false schema"


def agree(compiled: CompiledSchema, validator: Validator, value: Any) -> bool:
    """Assert that the two find the same errors; return True if the value was proved valid."""
    expected = sorted(str(place_of((), error)) for error in validator.iter_errors(value))
    assert sorted(str(place_of(path, error)) for path, error in compiled.errors(value)) == expected
    certain = compiled.is_certainly_valid(value)
    assert not (certain and expected)
    return certain


def official_groups() -> Iterator[dict[str, Any]]:
    folder = conformance("json-schema-test-suite") / "tests" / "draft2020-12"
    for file in sorted(folder.rglob("*.json")):
        yield from json.loads(file.read_text(encoding="utf-8"))


def test_on_the_official_suite_it_finds_what_jsonschema_finds() -> None:
    proved = asked = unusable = 0
    for group in official_groups():
        if not isinstance(group["schema"], dict):
            continue
        try:
            compiled, validator = both(group["schema"])
        except ValueError:  # it refers to a schema that is not at hand, or to itself
            unusable += 1
            continue
        for case in group["tests"]:
            asked += 1
            proved += agree(compiled, validator, case["data"])
    assert asked > 1000
    assert proved > asked / 4
    assert unusable < 100


NAMES = st.sampled_from("abc")
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, 1.5, -2.0, 1e300])
    | st.text("ab é", max_size=4)
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array"])
SMALL = st.integers(0, 3)


def keywords(schemas: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Random schemas; the schemas inside them are drawn from *schemas*."""
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "minimum": st.integers(-2, 2) | st.just(0.5),
            "maximum": st.integers(-2, 2),
            "exclusiveMinimum": st.integers(-2, 2),
            "exclusiveMaximum": st.integers(-2, 2),
            "minLength": SMALL,
            "maxLength": SMALL,
            "minItems": SMALL,
            "maxItems": SMALL,
            "pattern": st.sampled_from(["^a", "b$", r"\S", ""]),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "properties": st.dictionaries(NAMES, schemas, max_size=3),
            "patternProperties": st.dictionaries(st.sampled_from(["a", "^b"]), schemas, max_size=2),
            "additionalProperties": schemas,
            "items": schemas,
            "prefixItems": st.lists(schemas, min_size=1, max_size=2),
            "contains": schemas,
            "minContains": SMALL,
            "allOf": st.lists(schemas, min_size=1, max_size=2),
            "anyOf": st.lists(schemas, min_size=1, max_size=2),
            "oneOf": st.lists(schemas, min_size=1, max_size=2),
            "not": schemas,
            "if": schemas,
            "then": schemas,
            "else": schemas,
            "uniqueItems": st.booleans(),
            "multipleOf": st.sampled_from([2, 0.5]),
            "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=1), max_size=1),
            "unevaluatedProperties": schemas,
            "$ref": st.sampled_from(["#/$defs/leaf", "urn:pixelmw:common#/properties/context/properties/screen"]),
            "format": st.just("email"),
            "title": st.just("x"),
        },
    )


SCHEMAS = st.recursive(st.booleans(), keywords, max_leaves=12)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(keywords(SCHEMAS), st.lists(VALUES, min_size=4, max_size=16))
def test_on_random_schemas_and_values_it_finds_what_jsonschema_finds(schema: dict[str, Any], values: list[Any]) -> None:
    compiled, validator = both({"$defs": {"leaf": {"type": ["string", "object"]}}, **schema})
    for value in values:
        agree(compiled, validator, value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({"enum": [1]}, True, id="true is not 1"),
        pytest.param({"const": False}, 0, id="0 is not false"),
        pytest.param({"type": "integer"}, True, id="a boolean is no integer"),
        pytest.param({"type": "integer"}, 1.5, id="a fraction is no integer"),
        pytest.param({"type": "number"}, True, id="a boolean is no number"),
        pytest.param({"minimum": 1}, float("nan"), id="NaN is not above one"),
        pytest.param({"type": "array"}, (1,), id="JSON has no tuple"),
        pytest.param({"required": ["a"]}, datetime(2026, 1, 1), id="JSON has no datetime"),
        pytest.param({"properties": {"a": False}}, {"a": 1}, id="a schema that is false"),
        pytest.param({"oneOf": [{"type": "string"}, {"minLength": 1}]}, "a", id="oneOf, and both hold"),
        pytest.param({"unevaluatedProperties": False}, {}, id="a keyword that depends on those beside it"),
        pytest.param(
            {"properties": {"a": {"$dynamicRef": "#"}}}, {}, id="a keyword that depends on how it was reached"
        ),
    ],
)
def test_it_is_not_certain(schema: dict[str, Any], value: Any) -> None:
    assert not both(schema)[0].is_certainly_valid(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({}, {"a": [1]}, id="a schema that says nothing"),
        pytest.param({"type": "integer"}, 1.0, id="an integer with a point"),
        pytest.param({"enum": ["a", 1, None]}, None, id="null among others"),
        pytest.param({"minLength": 5}, 1, id="a length, of a number"),
        pytest.param({"prefixItems": [{"type": "null"}], "items": {"type": "string"}}, [None, "a"], id="a list"),
        pytest.param({"format": "email"}, "x", id="a format"),
        pytest.param({"x-of-ours": 5}, "x", id="a keyword that nobody knows"),
        pytest.param({"properties": {"a": {"$ref": "#"}}, "required": []}, {"a": {"a": {}}}, id="a schema in itself"),
        pytest.param({"oneOf": [{"type": "string"}, {"minimum": 5}]}, 7, id="a keyword that is left to jsonschema"),
        pytest.param(
            {"additionalProperties": False, "properties": {"a": {}}}, {"a": 1}, id="keywords that are read together"
        ),
    ],
)
def test_it_is_certain(schema: dict[str, Any], value: Any) -> None:
    assert both(schema)[0].is_certainly_valid(value)


@pytest.mark.parametrize(
    "dialect", ["http://json-schema.org/draft-07/schema#", "http://json-schema.org/draft-04/schema#"]
)
def test_it_is_never_certain_in_another_dialect(dialect: str) -> None:
    assert not both({"$schema": dialect})[0].is_certainly_valid({})
    inner = {"$id": "urn:inner", "$schema": dialect}
    assert not both({"properties": {"a": inner}})[0].is_certainly_valid({})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({"properties": {"a": {"type": "string"}}}, OrderedDict(a=1), id="another kind of dict"),
        pytest.param({"properties": {"a": {"type": "string"}}}, OrderedDict(a="x"), id="a valid one"),
        pytest.param({"items": {"type": "string"}}, (1,), id="a tuple"),
        pytest.param({"type": "array", "items": {"type": "string"}}, ("x",), id="a tuple for a list"),
        pytest.param({"enum": [1, [2]]}, [2], id="a list among the values"),
    ],
)
def test_on_values_that_json_does_not_have_it_agrees_with_jsonschema(schema: dict[str, Any], value: Any) -> None:
    assert not agree(*both(schema), value)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_it_is_certain_of_an_ordinary_event(event_type: str) -> None:
    pixel = Pixel(paths={"/e": event_type})
    query = "writeKey=k&anonymousId=a&userId=u&event=e&groupId=g&previousId=p&context.screen.width=1&properties.x.0=1"
    event = pixel.collected("/e", f"{query}&context.page.title=t&traits.age=3")
    assert both(bundled_schema(event_type))[0].is_certainly_valid(event)
