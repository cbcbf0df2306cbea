"""All faults of an event are found for somebody who looks at one request, and each name that its schema knows."""

from __future__ import annotations

from typing import Any

import pytest

from pixelmw import Rejected
from pixelmw.schema import EventSchema, all_refusals, event_schemas


def faults(schema: dict[str, Any], event: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    return [(refusal.path, refusal.rule) for refusal in all_refusals(EventSchema("it", schema), "track", event)]


def test_a_valid_event_has_none() -> None:
    assert faults({"required": ["a"]}, {"a": 1}) == []


@pytest.mark.parametrize(
    ("schema", "event", "expected"),
    [
        ({"required": ["a", "b", "c"]}, {"b": 1}, [("a", "required"), ("c", "required")]),
        (
            {"properties": {"a": {"type": "number"}, "b": {"properties": {"c": {"minLength": 2}}}}},
            {"a": "x", "b": {"c": "y"}},
            [("a", "type"), ("b.c", "minLength")],
        ),
        ({"additionalProperties": False, "properties": {"a": {"enum": [1]}}}, {"a": 2, "b": 1}, [
            ("b", "additionalProperties"),
            ("a", "enum"),
        ]),
        ({"additionalProperties": False, "properties": {"a": {}}}, {"a": 2, "b": 1, "c": 1}, [
            ("b", "additionalProperties"),
            ("c", "additionalProperties"),
        ]),
        ({"dependentRequired": {"a": ["b", "c"], "d": ["e"]}}, {"a": 1, "d": 1}, [
            ("b", "dependentRequired"),
            ("c", "dependentRequired"),
            ("e", "dependentRequired"),
        ]),
        ({"propertyNames": {"maxLength": 1}}, {"aa": 1, "b": 1, "cc": 1}, [
            ("aa", "propertyNames"),
            ("cc", "propertyNames"),
        ]),
        ({"allOf": [{"required": ["a"]}, {"required": ["a", "b"]}]}, {}, [("a", "required"), ("b", "required")]),
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "required": ["c"]}, {}, [
            ("c", "required"),
            ("a", "anyOf"),
        ]),
        ({"properties": {"list": {"items": {"type": "number"}}}}, {"list": ["x", 1, "y"]}, [
            ("list.0", "type"),
            ("list.2", "type"),
        ]),
    ],
    ids=["required", "at depth", "unknown", "several unknown", "beside", "names", "allOf", "a choice beside", "items"],
)  # fmt: skip
def test_each_fault_is_there_once(
    schema: dict[str, Any], event: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert sorted(faults(schema, event), key=str) == sorted(expected, key=str)


def test_the_fault_that_a_request_is_refused_for_is_among_them() -> None:
    schema = event_schemas()["track"]
    event = schema.coerce({"type": "track", "event": " ", "context": {"screen": {"width": "x"}}})
    with pytest.raises(Rejected) as caught:
        schema.coerce_and_validate(dict(event))
    found = [(refusal.path, refusal.rule) for refusal in all_refusals(schema, "track", event)]
    assert (caught.value.path, caught.value.rule) in found
    assert ("context.screen.width", "type") in found


def test_the_known_names_are_those_of_all_schemas_that_apply() -> None:
    schema = event_schemas()["track"]
    assert {"event", "userId", "context", "properties"} <= schema.named_properties()
    assert {"url", "path", "title"} <= schema.named_properties(["context", "page"])
    assert "revenue" in schema.named_properties(["properties"])
    assert schema.named_properties(["properties", "revenue"]) == frozenset()
    assert schema.named_properties(["nowhere"]) == frozenset()
