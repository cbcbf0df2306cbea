"""Sample events are what the middleware would make, valid, equal each time, and nobody else's."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pixelmw.events import EVENT_TYPES
from pixelmw.schema import event_schemas
from pixelmw.testing import collect, sample_event


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_sample_is_valid_and_the_same_each_time(event_type: str) -> None:
    event = sample_event(event_type)
    event_schemas()[event_type].coerce_and_validate(event)
    assert event == sample_event(event_type)
    assert event["type"] == event_type


def test_a_sample_of_a_page_has_what_the_collector_makes() -> None:
    made = collect("/pixel/v1/page?anonymousId=a&properties.title=x")
    assert made.keys() <= sample_event("page").keys() | {"name"}


@pytest.mark.parametrize("event_type", ["page", "track", "screen"])
def test_its_visitor_is_anonymous(event_type: str) -> None:
    assert "userId" not in sample_event(event_type)


def test_fields_nest_and_everything_else_takes_the_place() -> None:
    event = sample_event(
        "track", event="Opened", context={"page": {"url": "u"}}, properties={"items": [1], "plan": {"a": 1}}
    )
    assert event["event"] == "Opened"
    assert event["context"]["page"] == {"referrer": "https://search.example/", "url": "u"}
    assert event["context"]["ip"] == "203.0.113.7"
    assert event["properties"] == {"currency": "EUR", "revenue": 49.9, "items": [1], "plan": {"a": 1}}
    assert sample_event(properties=None)["properties"] is None
    assert sample_event("track", type="order")["type"] == "order"


def test_other_arguments_give_another_message_id() -> None:
    ids = [sample_event(**fields)["messageId"] for fields in ({}, {"event": "a"}, {"event": "b"}, {"userId": "a"})]
    assert len(set(ids)) == 4
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", each) for each in ids)
    assert sample_event("page")["messageId"] != sample_event("track")["messageId"]
    assert sample_event(messageId="m")["messageId"] == "m"


def test_what_is_given_and_what_is_returned_share_nothing() -> None:
    fields: dict[str, Any] = {"properties": {"items": [1]}}
    first, second = sample_event(**fields), sample_event(**fields)
    first["properties"]["items"].append(2)
    first["context"]["page"]["url"] = "changed"
    assert fields == {"properties": {"items": [1]}}
    assert second == sample_event(**fields)


def test_a_type_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'purchase'; known are page, track"):
        sample_event("purchase")
