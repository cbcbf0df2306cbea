"""What users of such views have reported elsewhere, tried on ours.

What needs a browser is in the tests of the page: a filter that a reload forgets
(PostHog/posthog#2625), details that a live list does not open (#42730), "no
events" where a filter hides them (#8121), a pause that does nothing
(martinhoefling/molten#41), a message that runs as a script
(mailhog/MailHog#321), a page of another site that reads all
(axllent/mailpit, CVE-2026-22689), and a hostile name (mitmproxy/mitmproxy#3234).
"""

from __future__ import annotations

import pytest

from pixelmw.live import LiveView
from tests.support.live_site import HERE, LiveClient, names_of
from tests.support.pixel import WholeClient


def test_one_event_can_be_asked_for_and_whether_it_was_valid(client: LiveClient) -> None:
    """https://github.com/snowplow/snowplow-micro/issues/14"""
    client.send(userId="1", event="a", messageId="m-1")
    client.send(userId="1", messageId="m-2")
    for message, good, bad in (("m-1", 1, 0), ("m-2", 0, 1), ("m-3", 0, 0)):
        assert len(client.json("/good", query_string={"id": message})) == good
        assert len(client.json("/bad", query_string={"id": message})) == bad


def test_a_filter_lets_through_what_it_names_and_nothing_else(client: LiveClient) -> None:
    """https://github.com/snowplow/snowplow-micro/issues/24: event_type gave nothing, schema too much."""
    client.send(userId="1", event="a")
    client.send("/pixel/v1/page", userId="1", name="b")
    assert names_of(client.json("/good", "POST", json={"event_type": "track"})) == ["a"]
    assert names_of(client.json("/good", "POST", json={"event_type": "page"})) == ["b"]
    assert client.json("/good", "POST", json={"event_type": "nothing"}) == []


def test_what_nobody_deletes_does_not_grow() -> None:
    """https://github.com/mailhog/MailHog/issues/105, and snowplow/snowplow-micro pull request 172."""
    client = LiveClient(LiveView(limit=10))
    for _ in range(100):
        client.send(userId="1", event="a")
    assert len(client.json("/good")) == 10
    assert client.json("/all")["good"] == 100


def test_a_limit_makes_the_answer_small(client: LiveClient) -> None:
    """https://github.com/mailhog/MailHog/issues/284: 130 MB came for a page, whatever the limit was."""
    for _ in range(100):
        client.send(userId="1", event="a", **{"properties.text": "x" * 10_000})
    assert len(client.ask("/good", query_string={"limit": "2"}).data) < 25_000
    assert len(client.ask("/events", query_string={"after": "98"}).data) < 25_000


@pytest.mark.parametrize("address", ["172.17.0.1", "192.168.65.1"])
def test_from_outside_of_a_container_the_answer_says_what_to_do(client: LiveClient, address: str) -> None:
    """https://github.com/django-commons/django-debug-toolbar/issues/1854: it is gone, and nothing says why."""
    answer = client.ask("", REMOTE_ADDR=address)
    assert answer.status_code == 403
    assert f"comes from {address}" in answer.text
    assert "LiveView(token=...)" in answer.text


def test_other_names_can_be_allowed() -> None:
    """https://github.com/mitmproxy/mitmproxy/issues/6449: the protection from hostile names was all or nothing."""
    client = LiveClient(LiveView(hosts=["dev.example", "localhost"]))
    assert client.ask("/all", HTTP_HOST="dev.example").status_code == 200
    assert client.ask("/all", HTTP_HOST="evil.example").status_code == 403


def test_nothing_but_plain_requests_goes_through_a_proxy() -> None:
    """https://github.com/axllent/mailpit/issues/319: without WebSockets, the page covered itself every second."""
    page = LiveClient().ask("").text
    assert "WebSocket" not in page
    assert "EventSource" not in page


def test_under_a_prefix_the_page_loads_nothing_from_elsewhere() -> None:
    """https://github.com/axllent/mailpit/issues/137: a white page, since its script was asked for at the root."""
    client = LiveClient()
    answer = WholeClient(client.middleware).get("/_pixelmw", environ_overrides=HERE | {"SCRIPT_NAME": "/shop"})
    assert answer.status_code == 200
    assert 'src="' not in answer.text
    assert 'href="/' not in answer.text
