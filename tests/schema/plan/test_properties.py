"""Properties of random plans and random events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pixelmw import Rejected, TrackingPlan
from tests.support.plans import event_of

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from(["1", "1.5", "x", "true", "null", "", "undefined"])
LEAVES = st.sampled_from(
    [{}, {"type": "integer"}, {"type": "string"}, {"type": ["boolean", "null"]}, {"enum": ["x", 1]}, {"const": 1},
     {"minimum": 1}, {"minLength": 1}, {"pattern": "^x"}, {"not": {"type": "string"}}, False]
)  # fmt: skip


def objects(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.just("object"),
            "properties": st.dictionaries(NAMES, children, max_size=2),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "additionalProperties": st.one_of(st.booleans(), children),
            "patternProperties": st.dictionaries(st.just("^[ab]"), children, max_size=1),
            "anyOf": st.lists(children, min_size=1, max_size=2),
            "oneOf": st.lists(children, min_size=1, max_size=2),
            "allOf": st.lists(children, min_size=1, max_size=2),
            "if": children,
            "then": children,
            "minProperties": st.integers(0, 2),
        },
    )


SCHEMAS = objects(st.recursive(LEAVES, objects, max_leaves=4))
QUERIES = st.dictionaries(st.sampled_from(["a", "b", "c", "d.a", "d.b", "e.0.a"]), VALUES, max_size=5)
EVENTS = st.tuples(st.sampled_from(["Planned", "Other"]), QUERIES)


def outcome(event: tuple[str, dict[str, str]], schema: Any, **options: Any) -> dict[str, Any] | Rejected:
    name, properties = event
    query = "&".join([f"event={name}", *(f"properties.{key}={quote(value)}" for key, value in properties.items())])
    try:
        return event_of(query, TrackingPlan({"Planned": schema}, **options))
    except Rejected as refusal:
        return refusal


def is_taken(found: dict[str, Any] | Rejected) -> bool:
    return not isinstance(found, Rejected)


@settings(deadline=None)
@given(EVENTS, SCHEMAS, st.sampled_from(["refuse", "annotate"]))
def test_annotate_never_refuses_what_allow_takes(event: Any, schema: Any, violations: Any) -> None:
    if is_taken(outcome(event, schema, violations=violations)):
        assert is_taken(outcome(event, schema, violations=violations, unplanned="annotate"))
        assert is_taken(outcome(event, schema, violations=violations, unplanned_properties="annotate"))


@settings(deadline=None)
@given(EVENTS, SCHEMAS)
def test_annotated_violations_refuse_nothing(event: Any, schema: Any) -> None:
    assert is_taken(outcome(event, schema, violations="annotate"))


@settings(deadline=None)
@given(EVENTS, SCHEMAS)
def test_what_refuse_takes_has_no_violation_and_is_stored_the_same_by_annotate(event: Any, schema: Any) -> None:
    refused, annotated = outcome(event, schema), outcome(event, schema, violations="annotate")
    assert isinstance(annotated, dict)
    assert is_taken(refused) == ("violationErrors" not in annotated["context"])
    if isinstance(refused, dict):
        assert refused.get("properties") == annotated.get("properties")
        if event[0] == "Planned":
            assert Draft202012Validator(schema).is_valid(refused.get("properties", {}))


def applying(schemas: list[Any]) -> list[dict[str, Any]]:
    """*schemas*, and those that may apply to the same value."""
    found = [schema for schema in schemas if isinstance(schema, dict)]
    for schema in found:  # it grows
        inner = [*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
        inner += [schema[keyword] for keyword in ("if", "then") if "if" in schema and keyword in schema]
        found += [each for each in inner if isinstance(each, dict)]
    return found


def unplanned(schemas: list[Any], value: Any, path: str) -> Iterator[str]:
    """The properties that *schemas* do not name, the topmost ones only."""
    schemas = applying(schemas)
    lists = any("properties" in schema for schema in schemas)
    for name, child in value.items() if isinstance(value, dict) else ():
        below = []
        named = any(name in schema.get("required", ()) for schema in schemas)
        for schema in schemas:
            by_pattern = (
                [schema["patternProperties"]["^[ab]"]] if name in "ab" and schema.get("patternProperties") else []
            )
            known = [schema["properties"][name]] if name in schema.get("properties", {}) else []
            others = [] if by_pattern or known else [schema.get("additionalProperties", True)]
            named = named or bool(by_pattern or known) or any(isinstance(each, dict) and each for each in others)
            below += by_pattern + known + others
        if lists and not named:
            yield f"{path}.{name}"
        else:
            yield from unplanned(below, child, f"{path}.{name}")


@settings(deadline=None)
@given(EVENTS, SCHEMAS)
def test_omit_leaves_only_what_the_schema_names_and_refuse_takes_nothing_else(event: Any, schema: Any) -> None:
    event = (event[0], {name: value for name, value in event[1].items() if not name.startswith("e")})
    whole, omitted = outcome(event, schema), outcome(event, schema, violations="annotate", unplanned_properties="omit")
    assert isinstance(omitted, dict)
    schemas = [schema] if event[0] == "Planned" else []
    assert list(unplanned(schemas, omitted.get("properties", {}), "properties")) == []
    if isinstance(whole, dict):
        too_many = sorted(unplanned(schemas, whole.get("properties", {}), "properties"))
        assert omitted["context"].get("omitted", []) == too_many
        assert is_taken(outcome(event, schema, unplanned_properties="refuse")) == (not too_many)
