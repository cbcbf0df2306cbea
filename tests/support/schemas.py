"""Random schemas of each draft of JSON Schema, and random values to judge with them, for Hypothesis."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from pixelmw.schema.load import load_schema
from pixelmw.schema.patterns import Patterns
from pixelmw.schema.registry import registry
from tests.support.drafts import DRAFTS

Strategy = st.SearchStrategy[Any]

NAMES = st.sampled_from("abc")
_TYPES = ["string", "integer", "number", "boolean", "null", "object", "array"]
_SMALL = st.integers(0, 3)
_SCALARS = st.sampled_from([None, True, False, 0, 1, 5, -2, 1.0, 1.5, 1000, "", "a", "5", "true", "null", "x5"])
_LISTED = st.one_of(_SCALARS, st.sampled_from([[], {}, [1], {"a": 1}, [True], {"a": "5"}]))
_PATTERNS = st.sampled_from(["^a", "b$", r"\S", "", "^[0-9]+$"])


def _simple(draft: str) -> dict[str, Strategy]:
    """The keywords that hold no schemas."""
    keywords: dict[str, Strategy] = {
        "type": st.sampled_from(_TYPES) | st.lists(st.sampled_from(_TYPES), min_size=1, max_size=3, unique=True),
        "enum": st.lists(_LISTED, min_size=1, max_size=4),
        "minimum": st.integers(-2, 6) | st.just(0.5),
        "maximum": st.integers(-2, 6),
        "minLength": _SMALL,
        "maxLength": _SMALL,
        "minItems": _SMALL,
        "maxItems": _SMALL,
        "minProperties": st.integers(0, 2),
        "maxProperties": _SMALL,
        "pattern": _PATTERNS,
        "required": st.lists(NAMES, min_size=1, max_size=2, unique=True),
        "uniqueItems": st.booleans(),
        "multipleOf": st.sampled_from([2, 0.5]),
        "title": st.just("x"),
        "format": st.just("email"),
    }
    if draft == "draft 4":
        keywords |= {"exclusiveMinimum": st.booleans(), "exclusiveMaximum": st.booleans()}
    else:
        keywords |= {
            "const": _LISTED,
            "exclusiveMinimum": st.integers(-2, 6),
            "exclusiveMaximum": st.integers(-2, 6),
        }
    if draft.startswith("draft 20"):
        keywords |= {"dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=1), max_size=1)}
    return keywords


def _applying(draft: str, inner: Strategy) -> dict[str, Strategy]:
    """The keywords that hold schemas; these are drawn from *inner*."""
    some = st.lists(inner, min_size=1, max_size=3)
    named = st.dictionaries(NAMES, inner, min_size=1, max_size=2)
    flagged = inner | st.booleans()
    keywords: dict[str, Strategy] = {
        "properties": st.dictionaries(NAMES, inner, min_size=1, max_size=3),
        "patternProperties": st.dictionaries(st.sampled_from(["a", "^b", "[bc]"]), inner, max_size=2),
        "additionalProperties": flagged,
        "allOf": some,
        "anyOf": some,
        "oneOf": some,
        "not": inner,
        "$ref": st.sampled_from(["#/definitions/leaf", "#/definitions/either", "#/properties/a"]),
    }
    if draft == "draft 2020-12":
        keywords |= {"prefixItems": some, "items": flagged}
    else:
        # jsonschema raises a TypeError where items is true or false beside additionalItems or unevaluatedItems.
        keywords |= {"items": inner.filter(lambda schema: type(schema) is dict) | some, "additionalItems": flagged}
    if draft.startswith("draft 20"):
        keywords |= {
            "dependentSchemas": named,
            "unevaluatedProperties": flagged,
            "unevaluatedItems": flagged,
            "minContains": _SMALL,
            "maxContains": _SMALL,
        }
    else:
        keywords |= {"dependencies": named | st.dictionaries(NAMES, st.lists(NAMES, min_size=1, max_size=1))}
    if draft != "draft 4":
        keywords |= {"contains": inner, "propertyNames": inner}
    if draft not in ("draft 4", "draft 6"):
        keywords |= {"if": inner, "then": inner, "else": inner}
    return keywords


def _some_of(keywords: dict[str, Strategy], most: int) -> Strategy:
    """Objects with up to *most* of *keywords*."""
    chosen = st.lists(st.sampled_from(sorted(keywords)), max_size=most, unique=True)
    objects = chosen.flatmap(lambda names: st.fixed_dictionaries({name: keywords[name] for name in names}))
    return objects.map(_with_bounds)


def _with_bounds(schema: dict[str, Any]) -> dict[str, Any]:
    """*schema*, with a bound beside each flag of draft 4 that is about one: the flag alone is an error."""
    flags = [name for name in ("Minimum", "Maximum") if type(schema.get(f"exclusive{name}")) is bool]
    return {**{name.lower(): 5 for name in flags}, **schema}


def _inner_schemas(draft: str) -> Strategy:
    """Random schemas of *draft*. Most have few keywords, and many a type, or none could be satisfied."""
    typed = st.builds(lambda name: {"type": name}, st.sampled_from(_TYPES))
    leaves = st.one_of(typed, typed, _some_of(_simple(draft), 2))
    if draft != "draft 4":
        leaves = leaves | st.booleans()
    return st.recursive(
        leaves,
        lambda inner: st.builds(dict.__or__, _some_of(_applying(draft, inner), 2), _some_of(_simple(draft), 1)),
        max_leaves=6,
    )


def schemas(draft: str) -> Strategy:
    """Random schemas of *draft* for an event, with two definitions for references to lead to."""
    inner = _inner_schemas(draft)
    definitions = {
        "leaf": {"type": ["integer", "object"]},
        "either": {"anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "boolean"}}]},
    }
    root = st.fixed_dictionaries(
        {
            "$schema": st.just(DRAFTS[draft]),
            "definitions": st.just(definitions),
            "properties": st.fixed_dictionaries({"a": inner}, optional={"b": inner, "c": inner}),
        }
    )
    others = {name: values for name, values in _applying(draft, inner).items() if name not in ("properties", "$ref")}
    return st.builds(lambda root, more: {**root, **more}, root, _some_of(others, 2))


# What a query can hold: many texts that spell something, some that spell nothing.
_TEXTS = ["5", "-0", "1.0", "1e3", "1e-400", "01", " 5", "true", "True", "null", "", " ", "undefined", "a", "x5", "1.5"]


def oracle(draft: str, schema: dict[str, Any]) -> Validator:
    """jsonschema's validator for *schema*.

    In draft 2019-09 its ``unevaluatedProperties`` takes the keywords inside
    ``additionalProperties`` for names of properties, so it gets the one of 2020-12.
    """
    validator, _ = load_schema("s", schema, Patterns(None))
    if draft != "draft 2019-09":
        return validator
    keyword = "unevaluatedProperties"
    mended = {keyword: Draft202012Validator.VALIDATORS[keyword]}
    validator_class: type[Validator] = extend(type(validator), mended)  # type: ignore[no-untyped-call]
    return validator_class(schema, registry=registry())


def random_event(random: Random) -> dict[str, Any]:
    """A random event, as a query gives it."""

    def value(depth: int) -> Any:
        kind = random.random()
        if depth == 0 or kind < 0.6:
            return random.choice(_TEXTS)
        if kind < 0.8:
            return [value(depth - 1) for _ in range(random.randint(1, 3))]
        return {name: value(depth - 1) for name in random.sample("abc", random.randint(1, 3))}

    return {name: value(2) for name in random.sample("abc", random.randint(0, 3))}


#: What an enricher can leave, too.
VALUES = st.recursive(
    _SCALARS | st.sampled_from(_TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
