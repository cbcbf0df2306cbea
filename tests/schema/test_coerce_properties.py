"""Coercion, on random schemas and random events."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pixelmw import Rejected
from pixelmw.schema import EventSchema
from pixelmw.schema.compile_coercion import compile_coercion
from pixelmw.schema.load import load_schema

tried = settings(derandomize=True, deadline=None, max_examples=300)

_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
TYPES = ["integer", "number", "boolean", "null", "string", "array", "object"]
_values = ["5", "-0", "-0.0", "1.0", "1e3", "1e999", "01", "+1", "1_0", "NaN", "٣", " 5", "5\n", "true", "True", "null"]
_values += ["", " ", "[]", "{}", '"5"', "9" * 400, "1" + "0" * 308, "9" * 5000, ".5", "1.", "0x1", "-", "1e-400"]
strings = st.one_of(st.sampled_from(_values), _text, st.floats().map(str), st.integers().map(str))
named = st.builds(lambda types: {"type": types}, st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True))
rules = st.sampled_from(
    [
        {},
        {"minimum": 0},
        {"exclusiveMaximum": 5},
        {"multipleOf": 0.5},
        {"enum": [5, "5", True, None, 1000]},
        {"const": 1},
        {"pattern": r"^\S"},
        {"minLength": 2},
        {"maxItems": 1},
        {"uniqueItems": True},
        {"required": ["a"]},
        {"additionalProperties": False},
        {"not": {"type": "integer"}},
    ]
)
typed = st.recursive(
    st.builds(dict.__or__, named, rules),
    lambda inner: st.one_of(
        st.builds(
            lambda parts, rule: {**rule, "properties": parts}, st.dictionaries(st.sampled_from("abc"), inner), rules
        ),
        st.builds(lambda part, rule: {**rule, "items": part}, inner, rules),
        st.builds(lambda parts, rule: {**rule, "allOf": parts}, st.lists(inner, min_size=1, max_size=2), rules),
    ),
    max_leaves=5,
)
values = st.recursive(
    strings, lambda inner: st.one_of(st.dictionaries(st.sampled_from("abc"), inner), st.lists(inner)), max_leaves=6
)


def assert_only_typed(before: Any, after: Any) -> None:
    """Assert that each string stayed as it was or became the value of its JSON text; a blank one may be removed."""
    if isinstance(before, str):
        assert not isinstance(after, dict | list)
        assert json.dumps(after, allow_nan=False) == json.dumps(
            before if isinstance(after, str) else json.loads(before)
        )
    elif isinstance(before, dict):
        assert all(isinstance(before[key], str) and not before[key].strip() for key in before.keys() - after.keys())
        for key in after:
            assert_only_typed(before[key], after[key])
    else:
        not_blank = [item for item in before if not isinstance(item, str) or item.strip()]
        kept = before if len(before) == len(after) else not_blank
        for old, new in zip(kept, after, strict=True):
            assert_only_typed(old, new)


@tried
@given(st.dictionaries(st.sampled_from("abc"), typed), st.dictionaries(st.sampled_from("abc"), values))
def test_coercion_gives_strings_their_types_and_judges_nothing(parts: dict[str, Any], event: dict[str, Any]) -> None:
    schema = {"properties": parts}
    coercion = compile_coercion(load_schema("s", schema)[1])
    once = coercion.coerce(copy.deepcopy(event))
    assert_only_typed(event, once)
    assert json.dumps(coercion.coerce(copy.deepcopy(once))) == json.dumps(once)
    judged = copy.deepcopy(event)
    try:
        EventSchema("s", schema).coerce_and_validate(judged)
        valid = True
    except Rejected:
        valid = False
    assert valid == Draft202012Validator(schema).is_valid(once)
    assert json.dumps(judged) == json.dumps(once)


@tried
@given(st.lists(st.sampled_from(TYPES), min_size=1, unique=True), strings)
def test_a_string_is_coerced_where_it_is_json_of_a_named_type_and_only_there(types: list[str], text: str) -> None:
    event = compile_coercion(load_schema("s", {"properties": {"a": {"type": types}}})[1]).coerce({"a": text})
    try:
        value = json.loads(text) if text == text.strip() else text
    except ValueError:
        value = text
    scalar = value is None or (isinstance(value, int | float) and abs(value) < 2**1024 and not math.isnan(value))
    expected = text
    if "string" not in types and scalar and Draft202012Validator({"type": types}).is_valid(value):
        expected = value
    gone = not text.strip() and "string" not in types
    assert json.dumps(event) == json.dumps({} if gone else {"a": expected})
