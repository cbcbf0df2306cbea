"""What the live view shows of an event: no write key, and nothing that is more than text, wherever it is pasted."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pixelmw import Event, Rejected
from pixelmw.enrich import client_context
from tests.support.live_site import PAGE, LiveClient

PATHS = ("/good", "/bad", "/events")
KEY = "s3cretkey"
MARKUP = "</script><img src=x onerror=alert(1)>&lt;'\"--><!--]]>"
TERMINAL = "\x1b]0;title\x07\x1b[2J\x9b31m\x7f\r\b\u202e\u2066\u200b\ufeff\u2028"


with_random: list[Any] = []
random_client = LiveClient(enrich=(lambda event, request: event.update(properties={"random": with_random[-1]}),))


def everything(client: LiveClient) -> bytes:
    return b"\n".join(client.ask(path).data for path in PATHS)


FIELDS = {
    "a name in capitals": {"WRITEKEY": KEY},
    "a name escaped once too often": {"amp;amp;write%4Bey": KEY},
    "below an object": {"properties.writeKey": KEY},
    "a list": {"properties.writeKeys.0": KEY, "properties.writeKeys.1": KEY},
    "an object": {"properties.my_writekey.a.b": KEY},
    "a link": {"properties.url": f"https://a.example/?x=1&writeKey={KEY}&y=2"},
    "a link within a link": {"properties.url": f"https://a.example/?to={quote(f'https://b.example/?writeKey={KEY}')}"},
    "escaped twice": {"properties.url": quote(quote(f"https://a.example/?write%4bey={KEY}"))},
    "a link in a list": {"properties.urls.0": f"https://a.example/?writeKey={KEY}"},
    "a header": {"event": f"writeKey: {KEY}"},
    "in a name": {f"properties.writeKey={KEY}": "1"},
}


@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_no_write_key_is_shown_wherever_it_stands(fields: dict[str, str]) -> None:
    refusing = {"track": {"required": ["never"]}}
    for schemas in (None, refusing):
        client = LiveClient(schemas=schemas, write_keys="any")
        client.send(**({"userId": "1", "event": "a", "writeKey": KEY} | fields))
        assert client.json("/all")["total"] == 1
        assert KEY.encode() not in everything(client)
        assert b"***" in everything(client)


def test_no_write_key_is_shown_that_came_with_the_page() -> None:
    client = LiveClient()
    referrer = f"https://shop.example/?writeKey={KEY}"
    client.client.get(PAGE, query_string="userId=1", headers={"Referer": referrer})
    assert client.events[0]["context"]["page"]["url"] == referrer
    assert KEY.encode() not in everything(client)


def test_no_write_key_is_shown_that_a_sentence_quotes() -> None:
    schema = {"properties": {"properties": {"properties": {"url": {"maxLength": 3}}}}}
    client = LiveClient(schemas={"track": schema})
    client.send(userId="1", event="a", **{"properties.url": f"https://a.example/?writeKey={KEY}"})
    (bad,) = client.json("/bad")
    assert "properties.url" in bad["errors"][0]
    assert KEY.encode() not in everything(client)


def test_a_sentence_about_the_key_stays_as_it_is() -> None:
    client = LiveClient(write_keys=["right"])
    client.send(userId="1", event="a", writeKey=KEY)
    client.send(userId="1", event="a")
    assert [entry["errors"] for entry in client.json("/bad")] == [["writeKey is missing"], ["writeKey is unknown"]]


@pytest.mark.parametrize("text", [MARKUP, TERMINAL, "\0\ud800\U0010ffff\ufffe"], ids=["markup", "terminal", "unicode"])
def test_every_field_is_only_ascii_that_no_browser_and_no_terminal_acts_on(text: str) -> None:
    value = text.encode("utf-8", "surrogatepass")
    client = LiveClient(schemas={"identify": {"required": ["never"]}}, paths={"/track": "track", "/bad": "identify"})
    names = ("event", "userId", "messageId", "anonymousId", "properties.a", "context.page.url", "originalTimestamp")
    query = "&".join([*(f"{name}={quote(value)}" for name in names), f"properties.{quote(value)}=1"])
    for path in ("/track", "/bad"):
        client.client.get(path, query_string=query, headers={"User-Agent": quote(value), "Referer": quote(value)})
    assert client.json("/all")["total"] == 2
    shown = everything(client)
    assert shown.isascii()
    assert not [byte for byte in shown if byte < 32 and byte != ord("\n")]
    assert not set(b"<>&\x7f") & set(shown)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
@settings(max_examples=100, deadline=None)
def test_what_is_shown_reads_back_as_it_was(value: Any) -> None:
    assume(not re.search("writekey|%", json.dumps(value), re.IGNORECASE))
    with_random.append(value)
    assert random_client.send(userId="1", event="a") == 200
    assert random_client.json("/good", query_string={"limit": "1"})[0]["event"] == random_client.events[-1]


def test_a_path_with_a_value_in_it_is_shown_without() -> None:
    def refuse(event: Event, request: object) -> None:
        raise Rejected("invalid", "no", path=f"properties.writeKey:{KEY}")

    client = LiveClient(enrich=(client_context, refuse))
    client.send(userId="1", event="a")
    assert client.json("/bad")[0]["path"] == "properties.writeKey…"
    assert KEY.encode() not in everything(client)


def test_a_sentence_of_an_enricher_may_hold_anything() -> None:
    def refuse(event: Event, request: object) -> None:
        raise Rejected("invalid", f"{MARKUP}{TERMINAL}writeKey={KEY}")

    client = LiveClient(enrich=(refuse,))
    client.send(userId="1", event="a")
    assert everything(client).isascii()
    assert KEY.encode() not in everything(client)
    assert json.loads(client.ask("/bad").data)[0]["errors"][0].startswith(MARKUP)
