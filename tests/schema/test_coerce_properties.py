"""Coercion and verdict on random schemas of every draft and random queries, beside the rule and beside jsonschema."""

from __future__ import annotations

import copy
import json
import math
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pixelmw import Rejected
from pixelmw.schema import EventSchema
from tests.support.drafts import DRAFTS
from tests.support.reference_coercion import ReferenceCoercion
from tests.support.schemas import oracle, random_event, schemas

EVENTS_PER_SCHEMA = 20
TYPES = ["integer", "number", "boolean", "null", "string", "array", "object"]


def as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def verdict(schema: EventSchema, event: dict[str, Any]) -> tuple[dict[str, Any], tuple[str | None, str | None] | None]:
    """The event after coercion, and the path and rule of its refusal, if it is refused."""
    judged = copy.deepcopy(event)
    try:
        schema.coerce_and_validate(judged)
    except Rejected as refusal:
        return judged, (refusal.path, refusal.rule)
    return judged, None


def shuffled(value: Any, random: Random) -> Any:
    """*value* with the properties of all objects in another order."""
    if isinstance(value, list):
        return [shuffled(item, random) for item in value]
    if isinstance(value, dict):
        return {name: shuffled(value[name], random) for name in random.sample(sorted(value), len(value))}
    return value


def check(draft: str, schema: dict[str, Any], seed: int) -> bool:
    """Compare what the package makes of random events with the rule and with jsonschema; False if it has no schema."""
    try:
        validator = oracle(draft, schema)
        ours = EventSchema("s", schema)
    except ValueError:  # it refers to itself in a circle
        return False
    reference, random = ReferenceCoercion(validator, draft), Random(seed)
    for _ in range(EVENTS_PER_SCHEMA):
        event = random_event(random)
        before = as_json(event)
        coerced = ours.coerce(event)
        assert as_json(event) == before
        assert as_json(coerced) == as_json(reference.coerce(event))
        judged, refusal = verdict(ours, event)
        assert as_json(judged) == as_json(coerced)
        assert validator.is_valid(coerced) == (refusal is None), (event, refusal)
        again, refusal_again = verdict(ours, shuffled(event, random))
        assert (as_json(again), refusal_again) == (as_json(judged), refusal)
    return True


def check_many(draft: str, examples: int) -> int:
    """How many events were compared."""
    compared = 0

    @settings(derandomize=True, deadline=None, max_examples=examples, phases=[Phase.generate, Phase.shrink])
    @given(schemas(draft), st.integers(0, 2**32))
    def run(schema: dict[str, Any], seed: int) -> None:
        nonlocal compared
        compared += EVENTS_PER_SCHEMA * check(draft, schema, seed)

    run()
    return compared


@pytest.mark.parametrize("draft", DRAFTS)
def test_an_event_becomes_what_the_rule_says_and_the_verdict_is_jsonschemas(draft: str) -> None:
    assert check_many(draft, 40) > 400


@pytest.mark.slow
def test_a_hundred_thousand_events_become_what_the_rule_says() -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        compared = pool.map(check_many, DRAFTS, [1_100] * len(DRAFTS))
        assert sum(compared) >= 100_000


SPELLINGS = ["5", "-0", "-0.0", "1.0", "1e3", "1e999", "01", "+1", "1_0", "NaN", "٣", " 5", "5\n", "true", "True"]
SPELLINGS += [
    "null",
    "",
    " ",
    "[]",
    "{}",
    '"5"',
    "9" * 400,
    "1" + "0" * 308,
    "9" * 5000,
    ".5",
    "1.",
    "0x1",
    "-",
    "1e-400",
]
texts = st.one_of(st.sampled_from(SPELLINGS), st.text(max_size=8), st.floats().map(str), st.integers().map(str))


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(TYPES), min_size=1, unique=True), texts)
def test_what_a_text_becomes_is_of_a_named_type_and_spelled_like_it(types: list[str], text: str) -> None:
    after = EventSchema("s", {"properties": {"a": {"type": types}}}).coerce({"a": text})
    if "a" not in after:
        assert "string" not in types
        return
    if isinstance(after["a"], str):
        assert after["a"] == text
        return
    assert "string" not in types
    assert Draft202012Validator({"type": types}).is_valid(after["a"])
    spelled = json.loads(text.strip().lower() if isinstance(after["a"], bool) else text.strip())
    assert as_json(spelled) == as_json(after["a"])
    assert not isinstance(spelled, float) or math.isfinite(spelled)
