"""Random requests, schemas and enrichers: the package makes of them what the plain reading of the rules makes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from enum import IntEnum, StrEnum
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from pixelmw import Collector, Limits, Rejected
from pixelmw.enrich import client_context
from pixelmw.schema.registry import bundled_schema
from pixelmw.system.ids import random_uuid
from tests.support.drafts import DRAFTS
from tests.support.pixel import INSTANT, NOW
from tests.support.reference_pipeline import Outcome, ReferencePipeline, Visit
from tests.support.schemas import oracle, schemas

LIMITS = Limits(query_bytes=600, params=12, key_chars=40, depth=4)

NAMES = ["userId", "anonymousId", "groupId", "event", "name", "channel", "messageId", "sentAt", "timestamp", "type"]
NAMES += ["integrations.All", "receivedAt", "context", "context.locale", "context.page", "context.page.url", "data"]
NAMES += ["context.page.title", "context.ip", "context.source", "context.userAgent", "context.screen.width"]
NAMES += ["context.screen.density", "context.active", "context.location.latitude", "context.device.type", "context.0"]
NAMES += ["properties", "properties.url", "properties.title", "properties.path", "properties.revenue", "traits.a"]
NAMES += ["properties.value", "properties.keywords.0", "properties.keywords.1", "properties.x.y", "traits", "traits.b"]
NAMES += ["a", "b", "c", "a.a", "a.b", "a.c", "b.0", "b.1", "b.a.b", "c.0.a", "c.1.b", "c.c", r"a\.b", r"b.\0", "b.a.b"]
NAMES += [" a", "amp;b", "a ", "", "a.b.c.a.b", "n" * 41, "writeKey", "writeKey.x"]
TEXTS = ["5", "-0", "1.0", "1e3", "1e-400", "01", " 5", "true", "True", "null", "", " ", "undefined", "a", "x5", "1.5"]
TEXTS += ["https://example.org/?a=b&c=d", "a text", "\u200b", "\ufffd", "{{x}}", "${x}", "open-{{x}}", "%%x%%", "{x y}"]
TEXTS += ['"quoted"', ' " " ', "en-GB", "\u00e9\u4e2d", "\0", "[object Object]", "1e999", "null "]
JSON_VALUES: list[Any] = [*TEXTS[:12], 5, 5.0, -0.5, True, None, [], {}, [1, "1"], {"a": "1"}, {"a": {"b": {"c": 1}}}]
ADDRESSES = [("203.0.113.7", "203.0.113.7"), ("[2001:DB8::1]:80", "2001:db8::1"), ("unix:", None), ("", None)]
LANGUAGES = [("de-CH,de;q=0.9", "de-CH"), ("en;q=0.3, fr", "fr"), ("*", None), ("", None)]


class Plan(StrEnum):
    """A text as an enricher may leave it."""

    FREE = "free"


class Level(IntEnum):
    """A number as an enricher may leave it."""

    HIGH = 5


def add_values(event: dict[str, Any], request: object) -> None:
    """Leave what no query can hold."""
    event["a"] = Plan.FREE
    event["b"] = [Level.HIGH, 1.5, None]
    event.setdefault("properties", {})["revenue"] = Level.HIGH


def take_away(event: dict[str, Any], request: object) -> None:
    """Leave less than came."""
    for name in ("context", "c", "anonymousId"):
        event.pop(name, None)


def nest(event: dict[str, Any], request: object) -> None:
    """Leave values at places where the query had others."""
    event["context"] = {"screen": {"width": "5"}, "page": [event.get("name")]}
    event["a"] = {"a": event.get("b"), "b": "true"}


ENRICHERS: list[list[Callable[..., object]]] = [[], [], [], [add_values], [take_away], [nest]]


def bundled(event_type: str) -> Validator:
    """jsonschema's validator for a bundled schema, with what it refers to inside."""
    schema, common = bundled_schema(event_type), bundled_schema("common")
    return Draft202012Validator({**schema, "allOf": [common]})


def random_query(random: Random, names: list[str]) -> bytes:
    """A query of *names*, with random values."""
    start = random.choice([["writeKey=k"], ["writeKey=k", "userId=u"], ["writeKey=k", "anonymousId=a", "event=e"], []])
    pairs = []
    for name in names:
        text = random.choice(TEXTS)
        if name == "data":
            value = {random.choice(NAMES): random.choice(JSON_VALUES) for _ in range(random.randint(0, 4))}
            text = base64.b64encode(json.dumps(value | {"userId": "u"}).encode()).decode()
        spelled = quote(name, safe="\\") if random.random() < 0.5 else name.replace(" ", "+")
        pairs.append(random.choice(["{}={}", "{}={}", "{}={}", "{}={}", "{}", "&{}={}"]).format(spelled, quote(text)))
    pairs += random.choice([[], [], [], ["=x"], ["%"], ["d=%FF%zz+%41"], ["z" * 600], ["p=1"] * 12])
    return "&".join(start + pairs).encode("latin-1", "replace")


def ours(collector: Collector, events: list[Any], event_type: str, visit: Visit) -> Outcome:
    """What the package makes of *visit*."""
    events.clear()
    try:
        collector.collect(event_type, visit.environ())
    except Rejected as refusal:
        assert not events
        is_verdict = refusal.code == "invalid" and refusal.rule != "type"
        return Outcome(refusal.code, refusal.event, None if is_verdict else refusal.rule)
    return Outcome("", events[0])


def assert_same(found: Outcome, expected: Outcome) -> None:
    """The same outcome, and numbers of the same type."""
    assert found.code == expected.code
    if found.event and expected.event and expected.event.get("messageId") == "made":
        assert len(found.event["messageId"]) in (len("made"), 36)  # a UUID
        expected.event["messageId"] = found.event["messageId"]
    if expected.rule is not None:  # jsonschema has none of ours, and of several faults it has its own first one
        assert found.rule == expected.rule
    assert json.dumps(found.event, sort_keys=True) == json.dumps(expected.event, sort_keys=True)


def check(draft: str, schema: dict[str, Any] | None, seed: int) -> int:
    """Compare some requests, of a few shapes and many values; how many of them were stored."""
    random = Random(seed)
    event_type = random.choice(["page", "track"])
    draft = "draft 2020-12" if schema is None else draft
    try:
        validator = bundled(event_type) if schema is None else oracle(draft, schema)
        events: list[Any] = []
        enrichers = random.choice(ENRICHERS)
        collector = Collector(
            events.append,
            schemas=None if schema is None else {event_type: schema},
            enrich=[client_context, *enrichers],
            on_reject=lambda refusal: None,
            limits=LIMITS,
            clock=lambda: NOW,
            new_id=random.choice([lambda: "made", random_uuid]),
        )
    except ValueError:  # it refers to itself in a circle
        return 0
    reference = ReferencePipeline(
        event_type, validator, draft, enrichers=enrichers, limits=LIMITS, instant=INSTANT, new_id="made"
    )
    stored = 0
    for _ in range(3):
        names = random.choices(NAMES, k=random.randint(0, 7))
        for _ in range(4):
            visit = Visit(
                random_query(random, names),
                random.choice(ADDRESSES),
                random.choice(LANGUAGES),
                random.choice(["", "Mozilla/5.0", "Br\u00fcgge \u4e2d"]),
                random.choice(["", "https://example.com/\u00e9"]),
            )
            found = ours(collector, events, event_type, visit)
            assert_same(found, reference.outcome(visit))
            stored += found.code == ""
    return stored


def check_many(draft: str, examples: int) -> int:
    """How many requests were stored."""
    stored = 0

    @settings(derandomize=True, deadline=None, max_examples=examples, phases=[Phase.generate, Phase.shrink])
    @given(st.none() | schemas(draft), st.integers(0, 2**32))
    def run(schema: dict[str, Any] | None, seed: int) -> None:
        nonlocal stored
        stored += check(draft, schema, seed)

    run()
    return stored


@pytest.mark.parametrize("draft", DRAFTS)
def test_requests_become_what_the_rules_say(draft: str) -> None:
    assert check_many(draft, 10) > 5


def test_requests_for_the_bundled_schemas_become_what_the_rules_say() -> None:
    assert sum(check("", None, seed) for seed in range(60)) > 60


@pytest.mark.slow
@pytest.mark.parametrize("draft", DRAFTS)
def test_thousands_of_requests_become_what_the_rules_say(draft: str) -> None:
    assert check_many(draft, 100_000 // 12 // len(DRAFTS) + 1) > 2000  # with twelve requests for each schema
