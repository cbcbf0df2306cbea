"""The filters of the lists of good and bad events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.live_site import PAGE, LiveClient, names_of


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"event_type": "track"}, ["Paid", "Seen"]),
        ({"event_type": "page"}, ["Home"]),
        ({"event": "Seen"}, ["Seen"]),
        ({"event": "Home"}, ["Home"]),
        ({"event": "See"}, []),
        ({"id": "42"}, ["Paid", "Seen"]),
        ({"id": "anon"}, ["Home"]),
        ({"text": "GRÖSSE"}, ["Paid"]),
        ({"text": "größe", "event": "Seen"}, []),
        ({"limit": 2}, ["Paid", "Seen"]),
        ({"event_type": "track", "limit": 1}, ["Paid"]),
        ({"limit": 0}, []),
        ({"event_type": None}, ["Paid", "Seen", "Home"]),
        ({}, ["Paid", "Seen", "Home"]),
    ],
    ids=str,
)
def test_a_list_is_filtered_by_what_must_all_hold(client: LiveClient, wanted: dict[str, Any], found: list[str]) -> None:
    client.send(PAGE, anonymousId="anon", name="Home")
    client.send(userId="42", event="Seen")
    client.send(userId="42", event="Paid", **{"properties.größe": "1"})
    assert names_of(client.json("/good", "POST", json=wanted)) == found
    as_query = {name: str(value) for name, value in wanted.items() if value is not None}
    assert names_of(client.json("/good", query_string=as_query)) == found


def test_refusals_are_filtered_by_their_code(client: LiveClient) -> None:
    client.send(userId="1")
    client.send(a="1", **{"a.b": "2"})
    assert [entry["code"] for entry in client.json("/bad", query_string={"code": "bad-query"})] == ["bad-query"]
    assert len(client.json("/bad", "POST")) == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"query_string": {"evnt": "a"}}, "unknown filter 'evnt': did you mean event?"),
        ({"query_string": {"schema": "a"}}, "known are event_type, event, id, text, code, limit"),
        ({"query_string": {"limit": "-1"}}, "limit must be a whole number"),
        ({"query_string": {"limit": "²"}}, "limit must be a whole number"),
        ({"query_string": {"limit": "9" * 5000}}, "limit must be a whole number"),
        ({"query_string": {f"a{n}": "" for n in range(200)}}, "more than 100 parameters"),
        ({"method": "POST", "json": {"limit": True}}, "limit must be a whole number"),
        ({"method": "POST", "json": {"event": 1}}, "event must be a string"),
        ({"method": "POST", "json": ["event"]}, "must be a JSON object"),
        ({"method": "POST", "data": "{"}, "must be a JSON object"),
        ({"method": "POST", "data": "[" * 60_000}, "must be a JSON object"),
        ({"method": "POST", "data": b"\xff"}, "must be a JSON object"),
        ({"method": "POST", "data": " " * 70_000}, "at most 65536 bytes"),
        ({"method": "POST", "CONTENT_LENGTH": "-1"}, "at most 65536 bytes"),
    ],
    ids=[
        "a slip",
        "unknown",
        "negative",
        "no digit",
        "long",
        "many",
        "true",
        "number",
        "list",
        "cut",
        "deep",
        "bytes",
        "large",
        "length",
    ],
)
def test_a_filter_that_cannot_work_is_answered_with_what_to_change(
    client: LiveClient, options: dict[str, Any], says: str
) -> None:
    answer = client.ask("/good", **options)
    assert answer.status_code == 400
    assert says in json.loads(answer.data)["error"]
