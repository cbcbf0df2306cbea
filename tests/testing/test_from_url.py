"""What a URL becomes, without an application."""

from __future__ import annotations

from typing import Any

import pytest

from pixelmw import Discard, Event, Rejected
from pixelmw.testing import collect


def test_a_url_becomes_an_event() -> None:
    event = collect("/pixel/v1/track?userId=42&event=Opened")
    assert (event["type"], event["userId"], event["event"]) == ("track", "42", "Opened")


@pytest.mark.parametrize("beginning", ["", "/", "https://pixels.example", "http://localhost:8000", "HTTP://h"])
@pytest.mark.parametrize("end", ["", "#fragment", "#a?b"])
def test_a_whole_url_is_its_path_and_its_query(beginning: str, end: str) -> None:
    assert collect(f"{beginning}/pixel/v1/page?anonymousId=a&name=x{end}")["name"] == "x"


@pytest.mark.parametrize(
    ("spelled", "text"),
    [
        ("größe", "größe"),
        ("gr%C3%B6%C3%9Fe", "größe"),
        ("%FF", "\ufffd"),
        ("a+b%20c d", "a b c d"),
        ("100%", "100%"),
        ("a?b/c://d", "a?b/c://d"),
        ("%23", "#"),
        ("\U0001f389", "\U0001f389"),
    ],
)
def test_a_query_is_read_as_a_server_would(spelled: str, text: str) -> None:
    assert collect(f"/pixel/v1/track?userId=1&event={spelled}")["event"] == text


def test_what_is_refused_is_raised_with_its_evidence(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Rejected) as caught:
        collect("/pixel/v1/track?event=Opened")
    assert (caught.value.code, caught.value.event_type) == ("invalid", "track")
    assert not caplog.records  # it is raised, that is enough


def test_the_arguments_are_the_collectors() -> None:
    stored: list[Event] = []
    refused: list[Rejected] = []
    event = collect(
        "/pixel/v1/track?writeKey=k&userId=42&event=Opened",
        sink=stored.append,
        write_keys={"k": "site"},
        clock=lambda: 0.0,
        new_id=lambda: "id",
    )
    assert stored == [event]
    assert (event["messageId"], event["receivedAt"]) == ("id", "1970-01-01T00:00:00.000Z")
    assert event["context"]["source"] == "site"
    with pytest.raises(Rejected, match="writeKey"):
        collect("/pixel/v1/track?userId=42&event=Opened", write_keys={"k"}, on_reject=refused.append)
    assert [refusal.code for refusal in refused] == ["unauthorized"]


def test_headers_and_the_address_reach_the_enrichers() -> None:
    headers = {"Referer": "https://shop.example/", "User-Agent": "Ünï"}
    context = collect("/pixel/v1/page?userId=1", headers=headers, remote_addr="203.0.113.7")["context"]
    assert context["page"]["url"] == "https://shop.example/"
    assert (context["userAgent"], context["ip"]) == ("Ünï", "203.0.113.7")
    assert collect("/pixel/v1/track?userId=1&event=e", enrich=())["context"] == {}
    assert collect("https://pixels.example//pixel/v1/track?userId=1&event=e", enrich=())["event"] == "e"


def test_an_enricher_may_discard() -> None:
    def nothing(event: Event, request: Any) -> None:
        raise Discard

    with pytest.raises(Discard):
        collect("/pixel/v1/page?userId=1", enrich=[nothing])


def test_paths_are_as_the_middleware_takes_them() -> None:
    assert collect("/größe?userId=1", paths={"/größe": "page"})["type"] == "page"
    assert collect("/gr%C3%B6%C3%9Fe?userId=1", paths={"/größe": "page"})["type"] == "page"
    with pytest.raises(ValueError, match=r"no pixel has the path '/pixel/v1/trac'.*/pixel/v1/track"):
        collect("/pixel/v1/trac?userId=1")
