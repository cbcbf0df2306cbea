"""What "annotate" stores: the violations that RudderStack's validator writes, one row for each keyword."""

from __future__ import annotations

from typing import Any

import pytest

from pixelmw import TrackingPlan
from tests.support.plans import DRAFT_4, DRAFT_7, event_of_data

ADVANCED, UNKNOWN = "Advance-Rules-Violation", "Unknown-Violation"
ADDITIONAL = "Additional-Properties"


def violations(
    schema: dict[str, Any], properties: dict[str, Any], **options: Any
) -> list[tuple[str, str, str, str, str]]:
    """The violations of an event: type, message, instancePath and schemaPath below the properties, property."""
    plan = TrackingPlan({"E": schema}, violations="annotate", **options)
    event = event_of_data({"event": "E", "properties": properties}, plan)
    found = event["context"].get("violationErrors", [])
    assert all(list(each) == ["type", "message", "meta", "property"] for each in found)
    return [
        (
            each["type"],
            each["message"],
            each["meta"]["instancePath"].removeprefix("/properties"),
            each["meta"]["schemaPath"].removeprefix("#/properties/properties"),
            each["property"],
        )
        for each in found
    ]


def of_a(schema: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {"a": schema}}


@pytest.mark.parametrize(
    ("keyword", "allowed", "value", "kind", "message"),
    [
        ("type", "integer", "x", "Datatype-Mismatch", "must be integer"),
        ("type", ["integer", "null"], "x", "Datatype-Mismatch", "must be integer,null"),
        ("minLength", 2, "x", ADVANCED, "must NOT have fewer than 2 characters"),
        ("maxLength", 1, "xx", ADVANCED, "must NOT have more than 1 characters"),
        ("pattern", "^a b$", "x", ADVANCED, 'must match pattern "^a b$"'),
        ("multipleOf", 0.5, 1.2, ADVANCED, "must be multiple of 0.5"),
        ("minimum", 2.0, 1, ADVANCED, "must be >= 2"),
        ("maximum", 2, 3, ADVANCED, "must be <= 2"),
        ("exclusiveMinimum", 2, 2, ADVANCED, "must be > 2"),
        ("exclusiveMaximum", 2, 2, ADVANCED, "must be < 2"),
        ("minItems", 2, [1], ADVANCED, "must NOT have fewer than 2 items"),
        ("maxItems", 1, [1, 2], ADVANCED, "must NOT have more than 1 items"),
        ("uniqueItems", True, [1, 2, 1, 3], ADVANCED, "must NOT have duplicate items (items ## 0 and 2 are identical)"),
        ("enum", ["y"], "x", ADVANCED, "must be equal to one of the allowed values"),
        ("const", "y", "x", UNKNOWN, "must be equal to constant"),
        ("not", {"type": "string"}, "x", UNKNOWN, "must NOT be valid"),
        ("minProperties", 2, {"x": 1}, UNKNOWN, "must NOT have fewer than 2 properties"),
        ("maxProperties", 0, {"x": 1}, UNKNOWN, "must NOT have more than 0 properties"),
    ],
)
def test_a_keyword_has_the_type_and_the_message_of_rudderstack(
    keyword: str, allowed: Any, value: Any, kind: str, message: str
) -> None:
    found = violations(of_a({keyword: allowed}), {"a": value})
    assert found == [(kind, message, "/a", f"/properties/a/{keyword}", "")]


@pytest.mark.parametrize(
    ("schema", "properties", "expected"),
    [
        pytest.param(
            {"required": ["b c", "a", "d"]},
            {"a": 1},
            [("Required-Missing", f"must have required property '{name}'", "", "/required", name)
             for name in ("b c", "d")],
            id="each missing name",
        ),
        pytest.param(
            {"properties": {"a": {}}, "additionalProperties": False},
            {"c": 1, "a": 1, "b": 1},
            [(ADDITIONAL, f"must NOT have additional properties '{name}'", "", "/additionalProperties", name)
             for name in ("b", "c")],
            id="each extra name",
        ),
        pytest.param(
            {"properties": {"a": {}}, "unevaluatedProperties": False},
            {"b": 1},
            [(ADDITIONAL, "must NOT have unevaluated properties 'b'", "", "/unevaluatedProperties", "b")],
            id="unevaluated",
        ),
        pytest.param(
            {"$defs": {"t x": {"type": "integer"}}, "properties": {"a b": {"$ref": "#/$defs/t x"}}},
            {"a b": "x"},
            [("Datatype-Mismatch", "must be integer", "/a b", "/$defs/t x/type", "")],
            id="through a reference",
        ),
        pytest.param(
            of_a({"properties": {"b /~é": {"type": "integer"}}}),
            {"a": {"b /~é": "x"}},
            [("Datatype-Mismatch", "must be integer", "/a/b ~1~0é",
              "/properties/a/properties/b%20~1~0%C3%A9/type", "")],
            id="escapes",
        ),
        pytest.param(
            {"anyOf": [{"required": ["b"]}, of_a({"type": "integer"})]},
            {"a": "x"},
            [("Required-Missing", "must have required property 'b'", "", "/anyOf/0/required", "b"),
             ("Datatype-Mismatch", "must be integer", "/a", "/anyOf/1/properties/a/type", ""),
             (UNKNOWN, "must match a schema in anyOf", "", "/anyOf", "")],
            id="alternatives first",
        ),
        pytest.param(
            {"oneOf": [{"required": ["a"]}, {"minProperties": 1}]},
            {"a": 1},
            [(UNKNOWN, "must match exactly one schema in oneOf", "", "/oneOf", "")],
            id="too many alternatives",
        ),
        pytest.param(
            {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}},
            {"a": 1},
            [("Required-Missing", "must have required property 'b'", "", "/then/required", "b"),
             (ADVANCED, 'must match "then" schema', "", "/if", "")],
            id="then",
        ),
        pytest.param(
            {"if": {"required": ["a"]}, "else": {"required": ["c"]}},
            {},
            [("Required-Missing", "must have required property 'c'", "", "/else/required", "c"),
             (ADVANCED, 'must match "else" schema', "", "/if", "")],
            id="else",
        ),
        pytest.param(
            of_a({"contains": {"type": "integer"}}),
            {"a": ["x"]},
            [("Datatype-Mismatch", "must be integer", "/a/0", "/properties/a/contains/type", ""),
             (UNKNOWN, "must contain at least 1 valid item(s)", "/a", "/properties/a/contains", "")],
            id="contains",
        ),
        pytest.param(
            of_a({"contains": {"type": "integer"}, "minContains": 2, "maxContains": 3}),
            {"a": [1]},
            [(UNKNOWN, "must contain at least 2 and no more than 3 valid item(s)", "/a",
              "/properties/a/contains", "")],
            id="minContains",
        ),
        pytest.param(
            {"propertyNames": {"maxLength": 1}},
            {"aa": 1},
            [(ADVANCED, "must NOT have more than 1 characters", "", "/propertyNames/maxLength", ""),
             (UNKNOWN, "property name must be valid", "", "/propertyNames", "")],
            id="names",
        ),
        pytest.param(
            {"dependentRequired": {"a": ["b"]}},
            {"a": 1},
            [(UNKNOWN, "must have property b when property a is present", "", "/dependentRequired", "")],
            id="dependentRequired",
        ),
        pytest.param(
            {"$schema": DRAFT_7, "dependencies": {"a": ["b", "c"], "d": {"required": ["e"]}}},
            {"a": 1, "b": 1, "d": 1},
            [(UNKNOWN, "must have properties b, c when property a is present", "", "/dependencies", ""),
             ("Required-Missing", "must have required property 'e'", "", "/dependencies/d/required", "e")],
            id="dependencies",
        ),
        pytest.param(
            {"properties": {"a": False}},
            {"a": 1},
            [(UNKNOWN, "boolean schema is false", "/a", "/properties/a/false schema", "")],
            id="false",
        ),
        pytest.param(
            of_a({"items": False}),
            {"a": [1, 2]},
            [(UNKNOWN, "boolean schema is false", f"/a/{index}", "/properties/a/items/false schema", "")
             for index in (0, 1)],
            id="no items",
        ),
        pytest.param(
            {"$schema": DRAFT_7, **of_a({"items": [{}], "additionalItems": False})},
            {"a": [1, 2]},
            [(UNKNOWN, "must NOT have more than 1 items", "/a", "/properties/a/additionalItems", "")],
            id="more items",
        ),
        pytest.param(
            of_a({"prefixItems": [{}], "unevaluatedItems": False}),
            {"a": [1, 2]},
            [(UNKNOWN, 'must pass "unevaluatedItems" keyword validation', "/a", "/properties/a/unevaluatedItems", "")],
            id="any other keyword",
        ),
        pytest.param(
            of_a({"items": {"type": "integer"}, "uniqueItems": True}),
            {"a": [1, 1, 2, 2, 1]},
            [(ADVANCED, "must NOT have duplicate items (items ## 3 and 2 are identical)", "/a",
              "/properties/a/uniqueItems", "")],
            id="scalars that are there twice",
        ),
        pytest.param(
            {"$schema": DRAFT_4, **of_a({"minimum": 2, "exclusiveMinimum": True})},
            {"a": 2},
            [(ADVANCED, "must be > 2", "/a", "/properties/a/minimum", "")],
            id="a bound of draft 4",
        ),
    ],
)  # fmt: skip
def test_one_fault_becomes_as_many_violations_as_rudderstack_writes(
    schema: dict[str, Any], properties: dict[str, Any], expected: list[tuple[str, ...]]
) -> None:
    assert violations(schema, properties) == expected


def test_a_plan_may_refer_to_a_bundled_schema() -> None:
    common = {"allOf": [{"$ref": "urn:pixelmw:track"}], "properties": {"context": {"$ref": "urn:pixelmw:nothing"}}}
    with pytest.raises(ValueError, match="at /common/properties/context"):
        TrackingPlan({}, common=common)
    plan = TrackingPlan({}, common={"allOf": [{"$ref": "urn:pixelmw:track"}]}, violations="annotate")
    (found,) = event_of_data({"event": " "}, plan, schemas={"track": {}})["context"]["violationErrors"]
    assert (found["message"], found["meta"]["instancePath"]) == ('must match pattern "\\S"', "/event")


def test_the_order_is_that_of_ajv_and_not_that_of_the_query() -> None:
    of_two = {"b": {"type": "integer", "enum": [1]}, "a": {"minLength": 3, "type": "integer"}}
    of_all = {"type": "object", "required": ["z"], "minProperties": 9, "not": {}, "additionalProperties": False}
    schema = {**of_all, "properties": of_two}
    found = violations(schema, {"c": 1, "a": "x", "b": "y"})
    assert found == violations(schema, {"b": "y", "a": "x", "c": 1})
    assert [path for *_, path, _ in found] == [
        "/not", "/minProperties", "/required", "/additionalProperties", "/properties/b/type", "/properties/b/enum",
        "/properties/a/type", "/properties/a/minLength",
    ]  # fmt: skip
