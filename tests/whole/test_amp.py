"""The requests that AMP's own configurations for RudderStack and Segment send, and the whole events they give.

``amp-analytics`` fills a template: macros percent-encoded, unset ones with nothing. The templates' own text goes out
as it is, raw spaces included, and ``allow-ssr-img`` has macros that nobody expands.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.pixel import INSTANT, Pixel

#: Parameters of the templates, each with the macro that fills it, or with text of the template's own in ``<...>``.
COMMON = {
    "anonymousId": "clientId",
    "context.locale": "browserLanguage",
    "context.page.path": "canonicalPath",
    "context.page.url": "canonicalUrl",
    "context.page.referrer": "documentReferrer",
    "context.page.title": "title",
    "context.screen.width": "screenWidth",
    "context.screen.height": "screenHeight",
}
RUDDERSTACK = {
    "writeKey": "writeKey",
    "context.library.name": "<Rudderstack AMP SDK>",
    "context.library.version": "<1.0.0>",
    "context.platform": "<AMP>",
    "context.userAgent": "userAgent",
    **COMMON,
}
RUDDERSTACK_PAGE = {
    **RUDDERSTACK,
    "properties.path": "canonicalPath",
    "properties.url": "canonicalUrl",
    "properties.referrer": "documentReferrer",
    "properties.title": "title",
    "name": "name",
}
SEGMENT = {"writeKey": "writeKey", "context.library.name": "<amp>", **COMMON}
SEGMENT_PATHS = {"/v1/pixel/page": "page", "/v1/pixel/track": "track"}

VISIT = {
    "writeKey": "wk:1",
    "clientId": "amp-Xy_12-Q",
    "browserLanguage": "de-CH",
    "canonicalPath": "/zürich/",
    "canonicalUrl": "https://news.example/zürich/?a=1&b=2#top",
    "documentReferrer": "https://search.example/?q=x+y",
    "title": "Zürich | 今日 & morgen 100 %",
    "screenWidth": "1440",
    "screenHeight": "900.5",
    "userAgent": "Mozilla/5.0 (X11; Linux) Test/1",
    "name": "Article view",
}


def filled(template: dict[str, str], visit: dict[str, str], *, raw: bool = False) -> str:
    """The query that AMP's runtime makes; *raw* leaves what it can unencoded, as macro arguments may be."""
    pairs = []
    for name, macro in template.items():
        if macro.startswith("<"):
            value = macro[1:-1]
        elif raw:
            value = visit.get(macro, "").replace("%", "%25").replace("&", "%26").replace("+", "%2B")
        else:
            value = quote(visit.get(macro, ""), safe="!~*'()")
        pairs.append(f"{name}={value}")
    return "&".join(pairs).encode().decode("latin-1")


def event(event_type: str, context: dict[str, Any], **on_top: Any) -> dict[str, Any]:
    """An event with what every visit of the tests has, and what the server adds."""
    return {
        "type": event_type,
        "channel": "web",
        "messageId": "id-1",
        "anonymousId": VISIT["clientId"],
        "originalTimestamp": INSTANT,
        "sentAt": INSTANT,
        "receivedAt": INSTANT,
        "integrations": {"All": True},
        "context": {
            "ip": "127.0.0.1",
            "locale": VISIT["browserLanguage"],
            "page": PAGE,
            "screen": {"width": 1440, "height": 900.5},
            **context,
        },
        **on_top,
    }


PAGE = {
    "path": VISIT["canonicalPath"],
    "url": VISIT["canonicalUrl"],
    "referrer": VISIT["documentReferrer"],
    "title": VISIT["title"],
}
BY_RUDDERSTACK = {
    "library": {"name": "Rudderstack AMP SDK", "version": "1.0.0"},
    "platform": "AMP",
    "userAgent": VISIT["userAgent"],
}
BY_SEGMENT = {"library": {"name": "amp"}}

spelling = pytest.mark.parametrize("raw", [False, True], ids=["encoded", "raw"])


def only_event(path: str, query: str, **options: Any) -> dict[str, Any]:
    pixel = Pixel(**options)
    pixel.collected(path, query)
    (stored,) = pixel.events
    return stored


@spelling
def test_rudderstacks_page_is_stored_whole(raw: bool) -> None:
    stored = only_event("/pixel/v1/page", filled(RUDDERSTACK_PAGE, VISIT, raw=raw))
    assert stored == event("page", BY_RUDDERSTACK, name="Article view", properties=PAGE)
    assert type(stored["context"]["screen"]["width"]) is int


@spelling
def test_rudderstacks_track_is_stored_whole(raw: bool) -> None:
    stored = only_event("/pixel/v1/track", filled({**RUDDERSTACK, "event": "name"}, VISIT, raw=raw))
    assert stored == event("track", BY_RUDDERSTACK, event="Article view")


@spelling
def test_segments_page_is_stored_whole(raw: bool) -> None:
    query = filled({**SEGMENT, "name": "name"}, VISIT, raw=raw)
    assert only_event("/v1/pixel/page", query, paths=SEGMENT_PATHS) == event("page", BY_SEGMENT, name="Article view")


@spelling
def test_segments_track_is_stored_whole(raw: bool) -> None:
    query = filled({**SEGMENT, "event": "name"}, VISIT, raw=raw)
    stored = only_event("/v1/pixel/track", query, paths=SEGMENT_PATHS)
    assert stored == event("track", BY_SEGMENT, event="Article view")


def test_macros_without_a_value_leave_blanks_that_the_request_fills() -> None:
    """A direct visit to a page without a name, in a browser that tells AMP nothing."""
    visit = {name: VISIT[name] for name in ("writeKey", "clientId", "canonicalPath", "title")}
    pixel = Pixel()
    headers = {"User-Agent": "Browser/1", "Accept-Language": "fr-CA,fr;q=0.8", "Referer": "https://news.example/"}
    assert pixel.get("/pixel/v1/page", filled(RUDDERSTACK_PAGE, visit), headers=headers).status_code == 200
    page = {"path": VISIT["canonicalPath"], "referrer": "", "title": VISIT["title"]}
    context = {
        **BY_RUDDERSTACK,
        "userAgent": "Browser/1",
        "locale": "fr-CA",
        "page": {**page, "url": "https://news.example/"},
        "screen": {},  # an empty string is no number, and says nothing
    }
    assert pixel.events == [event("page", context, name="Unknown Page", properties={**page, "url": ""})]


@pytest.mark.parametrize("template", [RUDDERSTACK, SEGMENT], ids=["rudderstack", "segment"])
def test_a_track_without_an_event_name_is_refused(template: dict[str, str]) -> None:
    query = filled({**template, "event": "eventName"}, VISIT)
    assert query.endswith("&event=")
    refusal = Pixel().refused(query)
    assert (refusal.code, refusal.path) == ("invalid", "event")


@pytest.mark.parametrize(
    "client_id",
    ['"amp-Xy_12-Q"', ' "amp-Xy_12-Q"', '" amp-Xy_12-Q "', "amp-Xy_12-Q "],
    ids=["quoted", "space and quotes", "spaces in quotes", "trailing space"],
)
@spelling
def test_a_client_id_that_was_a_json_string_loses_its_quotes(client_id: str, raw: bool) -> None:
    query = filled({**RUDDERSTACK, "event": "name"}, {**VISIT, "clientId": client_id}, raw=raw)
    assert only_event("/pixel/v1/track", query) == event("track", BY_RUDDERSTACK, event="Article view")


def test_without_consent_there_is_no_client_id_and_so_no_event() -> None:
    refusal = Pixel().refused(filled(RUDDERSTACK_PAGE, {**VISIT, "clientId": '""'}), "/pixel/v1/page")
    assert (refusal.code, refusal.path) == ("invalid", "anonymousId")


def test_macros_that_nobody_expanded_are_ordinary_text_and_no_ids() -> None:
    """``amp-pixel`` with ``allow-ssr-img`` sends them so."""
    unexpanded = {name: f"${{{name}}}" for name in VISIT}
    visit = {**unexpanded, "screenWidth": "1440", "screenHeight": "900.5"}
    refusal = Pixel().refused(filled(RUDDERSTACK_PAGE, visit, raw=True), "/pixel/v1/page")
    assert (refusal.code, refusal.path, refusal.rule) == ("invalid", "anonymousId", "anyOf")
    stored = only_event("/pixel/v1/page", filled(RUDDERSTACK_PAGE, visit, raw=True) + "&userId=u")
    assert "anonymousId" not in stored
    assert stored["name"] == "${name}"
    assert stored["context"]["page"]["title"] == stored["properties"]["title"] == "${title}"
    assert stored["context"]["locale"] == "${browserLanguage}"


def test_extra_parameters_of_the_pages_author_are_kept_and_the_first_of_a_repeated_one_counts() -> None:
    query = filled(RUDDERSTACK_PAGE, VISIT) + "&properties.tags=a%2Cb&properties.tags=c&properties.title=other&name=x&_"
    properties = {**PAGE, "tags": "a,b"}
    stored = only_event("/pixel/v1/page", query)
    assert stored == event("page", BY_RUDDERSTACK, name="Article view", properties=properties, _="")
