"""The JSON of the live view: Snowplow Micro's meaning, bounds and counts."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from pixelmw import Discard, Event
from pixelmw.enrich import client_context
from pixelmw.live import LiveView
from tests.support.live_site import PAGE, TRACK, LiveClient, names_of


def test_the_totals_are_those_of_micro(client: LiveClient) -> None:
    assert client.json("/all") == {"total": 0, "good": 0, "bad": 0}
    assert [client.send(userId="1", event="a"), client.send(PAGE, userId="1"), client.send(userId="1")] == [
        200,
        200,
        400,
    ]
    assert client.json("/all") == {"total": 3, "good": 2, "bad": 1}


def test_good_events_are_those_that_the_sink_got_newest_first(client: LiveClient) -> None:
    for event in ("first", "second"):
        client.send(userId="1", event=event, **{"properties.n": "1"})
    good = client.json("/good")
    assert [entry["event"] for entry in good] == client.events[::-1]
    assert [entry["number"] for entry in good] == [2, 1]
    assert {entry["eventType"] for entry in good} == {"track"}
    assert all(entry["good"] is True and entry["time"].endswith("Z") for entry in good)


def test_a_refusal_says_what_was_wrong_and_where(client: LiveClient) -> None:
    client.send(userId="1", event=" ")
    (bad,) = client.json("/bad")
    assert bad["errors"] == ["event must not be blank"]
    assert (bad["code"], bad["status"], bad["path"], bad["rule"]) == ("invalid", 400, "event", "pattern")
    assert (bad["eventType"], bad["good"], bad["query"]) == ("track", False, "userId=1&event=+")
    assert bad["event"]["userId"] == "1"


@pytest.mark.parametrize(
    ("options", "fields", "code"),
    [
        ({"write_keys": ["right"]}, {"userId": "1", "event": "a", "writeKey": "wrong"}, "unauthorized"),
        ({}, {"a": "1", "a.b": "2"}, "bad-query"),
        ({}, {f"p{number}": "" for number in range(300)}, "too-large"),
    ],
    ids=["unauthorized", "bad-query", "too-large"],
)
def test_a_request_of_which_no_event_was_made_is_bad_too(
    options: dict[str, Any], fields: dict[str, str], code: str
) -> None:
    client = LiveClient(**options)
    client.send(**fields)
    (bad,) = client.json("/bad")
    assert (bad["code"], bad["event"]) == (code, None)


def test_an_event_that_could_not_be_stored_is_bad(caplog: pytest.LogCaptureFixture) -> None:
    def sink(event: Event) -> None:
        raise ConnectionError("the password is secret")

    client = LiveClient(sink=sink)
    assert client.send(userId="1", event="a", writeKey="key") == 503
    (bad,) = client.json("/bad")
    assert (bad["code"], bad["status"], bad["errors"]) == ("unavailable", 503, ["the event could not be stored"])
    assert bad["query"] == "userId=1&event=a&writeKey=***"
    assert "secret" not in json.dumps(bad)


def test_a_wrong_method_is_bad_and_a_preflight_and_a_head_are_nothing(client: LiveClient) -> None:
    for method in ("POST", "OPTIONS", "HEAD"):
        client.client.open(TRACK, method=method, query_string="userId=1&event=a")
    assert [entry["code"] for entry in client.json("/bad")] == ["bad-method"]
    assert client.json("/all")["total"] == 1


def test_what_an_enricher_discards_is_counted() -> None:
    def discard(event: Event, request: object) -> None:
        raise Discard

    client = LiveClient(enrich=(client_context, discard))
    assert client.send(userId="1", event="a") == 200
    assert client.json("/all")["total"] == 0
    assert client.json("/events")["counts"]["discarded"] == 1


def test_only_what_came_after_a_number_is_sent(client: LiveClient) -> None:
    for event in ("a", "b", "c"):
        client.send(userId="1", event=event)
    news = client.json("/events", query_string={"after": "1"})
    assert names_of(news["events"]) == ["c", "b"]
    assert (news["last"], news["oldest"], news["limit"]) == (3, 1, 1000)
    assert names_of(client.json("/events")["events"]) == ["c", "b", "a"]
    assert client.json("/events", query_string={"after": "3"})["events"] == []


def test_a_number_of_another_process_says_nothing_about_this_one(client: LiveClient) -> None:
    for event in ("a", "b"):
        client.send(userId="1", event=event)
    view = client.json("/events")["view"]
    assert names_of(client.json("/events", query_string={"after": "other.7"})["events"]) == ["b", "a"]
    assert names_of(client.json("/events", query_string={"after": f"other.7,{view}.1"})["events"]) == ["b"]
    assert client.ask("/events", query_string={"after": f"{view}.x"}).status_code == 400


def test_a_reset_forgets_all_and_numbers_go_on(client: LiveClient) -> None:
    client.send(userId="1", event="a")
    client.send(userId="1")
    assert client.json("/reset", "POST") == {"total": 0, "good": 0, "bad": 0}
    client.send(userId="1", event="b")
    news = client.json("/events", query_string={"after": "2"})
    assert (news["oldest"], news["last"], names_of(news["events"])) == (3, 3, ["b"])
    assert (client.json("/bad"), client.json("/all")["total"]) == ([], 1)


def test_what_falls_out_of_the_limit_is_counted() -> None:
    client = LiveClient(LiveView(limit=3))
    for number in range(5):
        client.send(userId="1", event=f"event {number}")
    client.send(userId="1")
    news = client.json("/events")
    assert [entry["number"] for entry in news["events"]] == [6, 5, 4]
    assert (news["counts"]["fell_out"], news["oldest"], news["limit"]) == (3, 4, 3)
    assert client.json("/all") == {"total": 6, "good": 5, "bad": 1}


def test_it_is_bounded_in_bytes_too() -> None:
    client = LiveClient(LiveView(limit=100_000))
    for _ in range(400):
        assert client.send(userId="1", event="a", **{"properties.text": "x" * 30_000}) == 200
    answer = client.ask("/events")
    news = json.loads(answer.data)
    assert 7_500_000 < len(answer.data) < 8 * 1024 * 1024 + 1000
    assert news["counts"]["fell_out"] == 400 - len(news["events"])


def test_what_cannot_be_shown_is_counted_and_stored_all_the_same() -> None:
    kept: list[Event] = []

    def sink(event: Event) -> None:
        kept.append(event)
        event["broken"] = float("nan")

    def larger(event: Event) -> None:
        event["more"] = "x" * 600_000

    def larger_as_json(event: Event) -> None:
        event["more"] = "\x01" * 100_000

    for spoil in (sink, larger, larger_as_json):
        client = LiveClient(sink=spoil)
        assert client.send(userId="1", event="a") == 200
        counts = client.json("/events")["counts"]
        assert (counts["good"], counts["not_shown"]) == (1, 1)
        assert client.json("/good") == []
    assert len(kept) == 1


def test_an_event_is_shown_as_it_was_when_it_was_stored(client: LiveClient) -> None:
    client.send(userId="1", event="a")
    client.events[0]["event"] = "changed afterwards"
    assert names_of(client.json("/good")) == ["a"]


def test_a_child_of_a_fork_begins_with_nothing(client: LiveClient) -> None:
    client.send(userId="1", event="of the parent")
    view = client.json("/events")["view"]
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            client.send(userId="1", event="of the child")
            os.write(writing, json.dumps(client.json("/events")).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        news = json.loads(pipe.read())
    os.waitpid(child, 0)
    assert (names_of(news["events"]), news["last"]) == (["of the child"], 1)
    assert news["view"] != view
    assert names_of(client.json("/good")) == ["of the parent"]


@pytest.mark.parametrize("path", ["", "/", "/all", "/good", "/bad", "/events"])
def test_a_head_has_the_headers_of_a_get(client: LiveClient, path: str) -> None:
    whole, head = client.ask(path), client.ask(path, "HEAD")
    assert (head.status_code, head.data) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(whole.data) > 0


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("", "POST", "GET, HEAD"),
        ("/all", "POST", "GET, HEAD"),
        ("/events", "DELETE", "GET, HEAD"),
        ("/good", "PUT", "GET, HEAD, POST"),
        ("/reset", "GET", "POST"),
        ("/reset", "HEAD", "POST"),
        ("/reset", "OPTIONS", "POST"),
    ],
)
def test_another_method_does_nothing(client: LiveClient, path: str, method: str, allowed: str) -> None:
    client.send(userId="1", event="a")
    answer = client.ask(path, method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert client.json("/all")["total"] == 1
    assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]
