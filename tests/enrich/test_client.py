"""Enrichers: the default one, which fills in what the URL does not carry, and the user's own."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Request

from pixelmw import Discard, Event, Rejected
from pixelmw.enrich import client_context
from tests.support.pixel import Pixel, WholeClient

HEADERS = {
    "User-Agent": "Browser/1.0",
    "Referer": "https://example.org/start",
    "Accept-Language": "de-CH, en;q=0.8",
}


def test_the_headers_fill_what_the_url_does_not_carry(pixel: Pixel) -> None:
    assert pixel.track("", headers=HEADERS)["context"] == {
        "ip": "127.0.0.1",
        "userAgent": "Browser/1.0",
        "locale": "de-CH",
        "page": {"url": "https://example.org/start"},
    }


@pytest.mark.parametrize("value", ["=mine", "="], ids=["carried", "blank"])
@pytest.mark.parametrize(
    ("name", "of_the_header"),
    [("userAgent", "Browser/1.0"), ("locale", "de-CH"), ("page.url", "https://example.org/start")],
)
def test_what_the_url_carries_is_kept_unless_it_is_blank(
    pixel: Pixel, name: str, of_the_header: str, value: str
) -> None:
    found = pixel.track(f"context.{name}{value}", headers=HEADERS)["context"]
    for segment in name.split("."):
        found = found[segment]
    assert found == ("mine" if value == "=mine" else of_the_header)


def test_without_headers_nothing_is_made_up(pixel: Pixel) -> None:
    event = pixel.track("", headers={"User-Agent": ""}, environ={"REMOTE_ADDR": ""})
    assert event["context"] == {}


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("en", "en"),
        ("fr;q=0.5, de", "de"),
        ("fr;q=0.5, de;q=0.7", "de"),
        ("*", None),
        ("*, pt;q=0.3", "pt"),
        ("it;q=0", None),
        ("; DROP", None),
        ("", None),
    ],
)
def test_the_locale_is_the_language_liked_best(pixel: Pixel, header: str, locale: str | None) -> None:
    assert pixel.track("", headers={"Accept-Language": header})["context"].get("locale") == locale


def test_for_a_page_the_properties_fill_the_context_before_the_referer_does(pixel: Pixel) -> None:
    query = (
        "properties.path=/p&properties.url=http://u/&properties.referrer=http://r/&properties.title=T&properties.x=1"
    )
    event = pixel.page(query, headers=HEADERS)
    assert event["context"]["page"] == {"path": "/p", "url": "http://u/", "referrer": "http://r/", "title": "T"}
    assert event["properties"]["x"] == "1"


def test_the_page_in_the_context_is_kept(pixel: Pixel) -> None:
    event = pixel.page("properties.title=T&properties.url=&context.page.title=C", headers=HEADERS)
    assert event["context"]["page"] == {"title": "C", "url": "https://example.org/start"}


def test_for_other_events_the_properties_say_nothing_about_the_page(pixel: Pixel) -> None:
    assert "page" not in pixel.track("properties.title=T")["context"]


def test_properties_that_are_no_text_are_not_taken_over(pixel: Pixel) -> None:
    refusal = pixel.refused("writeKey=k&anonymousId=a&properties.title.x=T", path="/pixel/v1/page")
    assert refusal.path == "properties.title"
    assert refusal.event is not None
    assert "page" not in refusal.event["context"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("context=x", "context"),
        ("context.0=x", "context"),
        ("context.page=x", "context.page"),
        ("properties=x", "properties"),
    ],
)
def test_what_should_be_an_object_and_is_not_is_left_for_the_schema(pixel: Pixel, query: str, path: str) -> None:
    refusal = pixel.refused(f"writeKey=k&anonymousId=a&{query}", path="/pixel/v1/page", headers=HEADERS)
    assert (refusal.code, refusal.path, refusal.rule) == ("invalid", path, "type")


def test_headers_are_decoded_as_values_are(pixel: Pixel) -> None:
    event = pixel.track("", environ={"HTTP_USER_AGENT": "Ã©\x00\xff", "HTTP_REFERER": "http://x/Ã¼"})
    assert event["context"]["userAgent"] == "é\ufffd\ufffd"
    assert event["context"]["page"]["url"] == "http://x/ü"


def test_behind_a_proxy_proxy_fix_outside_makes_the_ip_the_clients(pixel: Pixel) -> None:
    client = WholeClient(ProxyFix(pixel.middleware))
    headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7"}
    assert client.get("/pixel/v1/track?writeKey=k&anonymousId=a&event=e", headers=headers).status_code == 200
    assert pixel.events[-1]["context"]["ip"] == "203.0.113.7"


def test_without_proxy_fix_a_forwarded_address_is_not_believed(pixel: Pixel) -> None:
    assert pixel.track("", headers={"X-Forwarded-For": "6.6.6.6"})["context"]["ip"] == "127.0.0.1"


def test_enrichers_run_in_order_before_validation() -> None:
    def first(event: Event, request: Request) -> None:
        event["properties"] = {"revenue": request.args["price"]}

    def second(event: Event, request: Request) -> None:
        event["properties"]["seen"] = event["properties"]["revenue"]

    event = Pixel(enrich=[first, second]).track("price=9.50")
    assert event["properties"] == {"revenue": 9.5, "seen": "9.50"}
    assert event["context"] == {}


def test_what_an_enricher_breaks_the_schema_refuses() -> None:
    def forget(event: Event, request: Request) -> None:
        del event["anonymousId"]

    assert Pixel(enrich=[forget]).refused("writeKey=k&anonymousId=a&event=e").path == "anonymousId"


def test_an_enricher_gets_a_whole_werkzeug_request_and_leaves_no_trace() -> None:
    seen: dict[str, Any] = {}

    def look(event: Event, request: Request) -> None:
        assert isinstance(request, Request)
        assert not hasattr(request, "no_such_thing")
        seen.update(path=request.path, agent=request.user_agent.string, url=request.url, cookies=dict(request.cookies))

    pixel = Pixel(enrich=[look, client_context])
    pixel.track("", headers={"Cookie": "a=1", "User-Agent": "Browser/1.0"})
    assert seen["path"] == "/pixel/v1/track"
    assert seen["agent"] == "Browser/1.0"
    assert seen["url"].startswith("http://localhost/pixel/v1/track?writeKey=k")
    assert seen["cookies"] == {"a": "1"}


def test_a_request_may_be_copied_before_and_after_it_was_looked_at() -> None:
    paths: list[str] = []

    def look(event: Event, request: Request) -> None:
        early = copy.copy(request)
        paths.extend([request.path, early.path, copy.copy(request).path])

    Pixel(enrich=[look]).track("")
    assert paths == ["/pixel/v1/track"] * 3


def test_discard_answers_as_accepted_and_stores_nothing_but_is_counted() -> None:
    def opted_out(event: Event, request: Request) -> None:
        if request.headers.get("Sec-GPC") == "1":
            raise Discard

    pixel = Pixel(enrich=[opted_out])
    query = "writeKey=k&anonymousId=a&event=e"
    kept, dropped = (pixel.get("/pixel/v1/track", query, headers={"Sec-GPC": value}) for value in "01")
    assert (dropped.status, dropped.data, dropped.headers) == (kept.status, kept.data, kept.headers)
    assert len(pixel.events) == 1
    assert not pixel.refusals
    assert pixel.middleware.collector.stats() == {"accepted": 1, "discarded": 1}


def test_an_enricher_may_refuse() -> None:
    def only_ours(event: Event, request: Request) -> None:
        raise Rejected("invalid", "context.page.url is not ours", path="context.page.url", rule="origin")

    refusal = Pixel(enrich=[only_ours]).refused("writeKey=k&anonymousId=a&event=e")
    assert (refusal.rule, refusal.event_type) == ("origin", "track")
    assert refusal.event is not None
    assert refusal.event["event"] == "e"
    assert refusal.query == "writeKey=***&anonymousId=a&event=e"


def test_an_enricher_that_fails_is_a_503_and_no_fault_of_the_host(caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: Event, request: Request) -> None:
        raise KeyError("missing")

    pixel = Pixel(enrich=[broken])
    response = pixel.get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e")
    assert (response.status_code, response.headers["X-Pixel-Error"]) == (503, "unavailable")
    assert "KeyError" in caplog.text
    assert pixel.middleware.collector.stats() == {"unavailable": 1}
