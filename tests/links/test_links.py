"""What a link says, and what no link can say."""

from __future__ import annotations

import datetime as dt
import enum
import warnings
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from pixelmw.links import Links, LongLinkWarning, Signer
from tests.support.pixel import INSTANT, Pixel

LINKS = Links("https://pixels.example", write_key="newsletter")
ALL_TYPES = {f"/p/{name}": name for name in ("page", "track", "identify", "group", "alias", "screen")}
MANY = Links("https://pixels.example/shop/", paths=ALL_TYPES)


def collected(url: str, **options: Any) -> dict[str, Any]:
    parts = urlsplit(url)
    options.setdefault("write_keys", "optional")
    pixel = Pixel(**options)
    return pixel.collected(parts.path.removeprefix("/shop"), parts.query)


def said(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def test_the_first_example_is_what_the_collector_reads() -> None:
    url = LINKS.track(
        "Email Opened",
        user_id="42",
        properties={"campaign": "spring & summer", "items": ["a", "b"]},
        message_id="open-42-7",
    )
    assert url.startswith("https://pixels.example/pixel/v1/track?event=Email%20Opened&")
    event = collected(url, write_keys={"newsletter": "mails"})
    assert (event["event"], event["userId"], event["messageId"]) == ("Email Opened", "42", "open-42-7")
    assert event["properties"] == {"campaign": "spring & summer", "items": ["a", "b"]}
    assert event["context"]["source"] == "mails"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (MANY.page("Home", user_id="1"), {"type": "page", "name": "Home", "userId": "1"}),
        (MANY.page(anonymous_id="a"), {"type": "page", "anonymousId": "a"}),
        (MANY.track("E", user_id="1"), {"type": "track", "event": "E"}),
        (MANY.screen("Main", user_id="1"), {"type": "screen", "name": "Main"}),
        (MANY.identify("1", {"plan": "pro"}), {"type": "identify", "userId": "1", "traits": {"plan": "pro"}}),
        (MANY.identify("1", traits=None), {"type": "identify", "userId": "1"}),
        (MANY.group("g", {"size": 3}, user_id="1"), {"type": "group", "groupId": "g", "userId": "1"}),
        (MANY.alias("old", "new"), {"type": "alias", "previousId": "old", "userId": "new"}),
        (MANY.track("E", user_id="1", timestamp=INSTANT), {"originalTimestamp": INSTANT}),
        (MANY.track("E", user_id="1", sent_at=INSTANT), {"sentAt": INSTANT}),
        (MANY.track("E", user_id="1", context={"ip": "1.2.3.4", "campaign": {"name": "c"}}), {"event": "E"}),
    ],
)  # fmt: skip
def test_each_method_says_its_fields(url: str, expected: dict[str, Any]) -> None:
    event = collected(url, paths=ALL_TYPES)
    assert {name: event.get(name) for name in expected} == expected


def test_an_event_of_the_collector_becomes_a_link_that_becomes_the_event() -> None:
    pixel = Pixel(write_keys={"k": "site"})
    event = pixel.track("properties.a=1&context.page.url=https%3A%2F%2Fx%2F")
    again = Pixel(write_keys={"k": "site"})
    parts = urlsplit(Links("https://pixels.example", write_key="k").url("track", event))
    assert not any(name in parts.query for name in ("receivedAt", "integrations", "context.ip", "context.source"))
    assert again.collected(parts.path, parts.query) == event


class Plan(enum.StrEnum):
    PRO = "pro"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-7, "-7"),
        (1.5, "1.5"),
        (1e300, "1e+300"),
        (10**30, "1" + "0" * 30),
        (Plan.PRO, "pro"),
        ("", ""),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.datetime(2026, 1, 2, 3, 4, 5, 678901, dt.UTC), "2026-01-02T03:04:05.678Z"),
        (dt.datetime(2026, 1, 2, 0, 30, tzinfo=dt.timezone(dt.timedelta(hours=1))), "2026-01-01T23:30:00.000Z"),
    ],
)
def test_values_are_written_as_json_and_rfc_3339_write_them(value: Any, text: str) -> None:
    url = LINKS.track("E", user_id="1", properties={"x": value, "list": [value]})
    assert (said(url)["properties.x"], said(url)["properties.list.0"]) == (text, text)


def test_none_and_empty_containers_are_left_out_of_objects() -> None:
    properties: dict[str, Any] = {"a": None, "b": {}, "c": [], "d": {"e": {"f": None}, "g": ()}, "h": "x"}
    url = LINKS.track("E", user_id="1", properties=properties, context={}, traits=None)
    assert set(said(url)) == {"event", "userId", "properties.h", "writeKey"}


LOOP: dict[str, Any] = {}
LOOP["loop"] = LOOP


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"x": [1, None]}, "properties.x.1"),
        ({"x": [{}]}, "properties.x.0"),
        ({"x": [[], "a"]}, "properties.x.0"),
        ({"x": [{"a": None}]}, "properties.x.0"),
        ({"x": float("nan")}, "properties.x"),
        ({"x": float("-inf")}, "properties.x"),
        ({"x": dt.datetime(2026, 1, 2)}, "properties.x"),
        ({"x": b"bytes"}, "properties.x"),
        ({"x": {1, 2}}, "properties.x"),
        ({"x": object()}, "properties.x"),
        ({1: "x"}, "properties"),
        ({"x": {None: "y"}}, "properties.x"),
        ({"x": "a\0b"}, "properties.x"),
        ({"a\0": "b"}, "properties.a"),
        ({"x": "\ud800"}, "properties.x"),
        ({"x": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": "too deep"}}}}}}}}}}, "at most 10"),
        ({"x" * 300: "y"}, "at most 256"),
        ({"x": "y" * 40_000}, "at most 32768"),
        ({"x": ["y"] * 300}, "at most 256"),
        (LOOP, "at most 10"),
    ],
)
def test_what_no_link_can_carry_is_refused_by_name(properties: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named.replace(".", r"\.")):
        LINKS.track("E", user_id="1", properties=properties)


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({"userId": " 42 "}, "userId"),
        ({"userId": ""}, "userId"),
        ({"userId": "undefined"}, "userId"),
        ({"messageId": "open-{{campaign}}"}, "messageId"),
        ({"userId": None, "data": b64encode(b'{"userId": "1"}').decode()}, "event"),
        ({"anonymousId": '"42"'}, "anonymousId"),
        ({"messageId": "\t"}, "messageId"),
        ({"channel": " "}, "channel"),
        ({"writeKey": "k"}, "writeKey"),
        ({"signed": "x"}, "signed"),
        ({"type": "page"}, "page"),
        ({"properties": "text"}, "properties"),
        ({"context": ["list"]}, "context"),
        ({"sentAt": ""}, "sentAt"),
    ],
)
def test_what_the_collector_would_drop_or_change_is_refused_by_name(event: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        LINKS.url("track", {"event": "E", "userId": "1"} | event)


@pytest.mark.parametrize("base", ["", "/", "pixels.example", "//pixels.example", "ftp://x", "https://", "https://x?a=b",
                                  "https://x#f", "https://x?", "https://bücher.example", "https://x y"])  # fmt: skip
def test_a_base_url_is_absolute(base: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        Links(base)


@pytest.mark.parametrize(("base", "start"), [
    ("https://x/", "https://x/pixel/v1/track?"),
    ("http://localhost:8000", "http://localhost:8000/pixel/v1/track?"),
    ("https://x/shop", "https://x/shop/pixel/v1/track?"),
])  # fmt: skip
def test_a_base_url_may_have_a_port_and_a_path(base: str, start: str) -> None:
    assert Links(base).track("E", user_id="1").startswith(start)


def test_mistakes_in_arguments_name_the_remedy() -> None:
    with pytest.raises(ValueError, match="no path is mounted for the event type 'identify'; paths has"):
        LINKS.identify("1")
    with pytest.raises(TypeError, match="unknown field 'user'; known are user_id"):
        LINKS.track("E", user="1")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="expires_in needs a signer"):
        LINKS.track("E", user_id="1", expires_in=5)
    with pytest.raises(ValueError, match="write_key"):
        Links("https://x", write_key=" ")
    with pytest.raises(ValueError, match="begins with a slash"):
        Links("https://x", paths={"p": "track"})
    with pytest.raises(TypeError, match=r"pixelmw\.links\.Signer"):
        Links("https://x", signer="key")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="base_url is None: give a string"):
        Links(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="give a mapping"):
        LINKS.url("track", [("event", "E")])  # type: ignore[arg-type]


def test_a_link_that_only_its_signature_makes_too_long_is_refused() -> None:
    signed, text = Links("https://x", signer=Signer(["a key that nobody knows"])), {"text": "x" * 30_000}
    with pytest.raises(ValueError, match=r"the link has a query of 4\d{4} bytes; the collector takes 32768"):
        signed.track("E", user_id="1", properties=text)
    with pytest.warns(LongLinkWarning):
        assert LINKS.track("E", user_id="1", properties=text)


def test_the_first_path_of_a_type_is_used() -> None:
    links = Links("https://x", paths={"/a": "track", "/b": "track", "/é b": "page"})
    assert links.track("E", user_id="1").startswith("https://x/a?")
    assert links.page("E", user_id="1").startswith("https://x/%C3%A9%20b?")


def test_a_link_that_is_longer_than_mail_clients_take_is_made_with_a_warning() -> None:
    with pytest.warns(LongLinkWarning, match="characters") as caught:
        url = LINKS.track("E", user_id="1", properties={"x": "y" * 2000})
    assert caught[0].filename == __file__
    with pytest.warns(LongLinkWarning) as caught:
        LINKS.img("track", "E", user_id="1", properties={"x": "y" * 2000})
    assert caught[0].filename == __file__
    with pytest.warns(LongLinkWarning) as caught:
        LINKS.url("track", {"event": "E", "properties": {"x": "y" * 2000}})
    assert caught[0].filename == __file__
    assert collected(url)["properties"] == {"x": "y" * 2000}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(LINKS.track("E", user_id="1", properties={"x": "y" * 1800})) < 2000


def test_the_tag_is_what_mail_clients_want() -> None:
    url = LINKS.track("E", user_id="1", properties={"q": "\"<'>&"})
    style = "height:1px!important;width:1px!important;border-width:0!important;margin:0!important;padding:0!important"
    expected = f'<img src="{url.replace("&", "&amp;")}" alt="" width="1" height="1" border="0" style="{style}">'
    assert str(LINKS.img(url)) == expected
    assert LINKS.img("track", "E", user_id="1", properties={"q": "\"<'>&"}) == expected
    assert LINKS.img(url).__html__() == expected  # templates do not escape it again
    assert '"onerror' not in LINKS.img('https://x/"onerror="alert(1)')


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", "/pixel/v1/track", "trak"])
def test_a_tag_is_made_of_a_url_or_of_an_event_type(url: str) -> None:
    with pytest.raises(ValueError, match="neither an http or https URL nor one of page, track"):
        LINKS.img(url)


def test_a_tag_is_not_made_of_a_url_and_more() -> None:
    with pytest.raises(TypeError, match="give one URL"):
        LINKS.img("https://x/", user_id="1")
