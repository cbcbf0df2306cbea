"""Addresses and languages are read, not copied: whatever servers, proxies and clients write there."""

from __future__ import annotations

import ipaddress
import itertools
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug import Request
from werkzeug.test import create_environ

from pixelmw import Event, Limits
from pixelmw.enrich import anonymize_ip, client_context
from tests.support.pixel import Pixel, WholeClient
from tests.support.times import check_times


def context(**options: Any) -> dict[str, Any]:
    found: dict[str, Any] = Pixel(**options.pop("pixel", {})).track("", **options)["context"]
    return found


@pytest.mark.parametrize(
    ("written", "address", "network"),
    [
        ("203.0.113.77", "203.0.113.77", "203.0.113.0"),
        ("203.0.113.77:51234", "203.0.113.77", "203.0.113.0"),
        (" 203.0.113.77 ", "203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2::7", "2001:db8:1:2::7", "2001:db8:1::"),
        ("[2001:db8::7]:4711", "2001:db8::7", "2001:db8::"),
        ("[2001:db8::7]", "2001:db8::7", "2001:db8::"),
        ("2001:DB8:0:0:0:0:0:7", "2001:db8::7", "2001:db8::"),
        ("fe80::1%eth0", "fe80::1", "fe80::"),
        ("[fe80::1%25en0]:80", "fe80::1", "fe80::"),
        ("::1", "::1", "::"),
        ("::ffff:203.0.113.77", "203.0.113.77", "203.0.113.0"),
        ("::FFFF:cb00:714d", "203.0.113.77", "203.0.113.0"),
        ("[::ffff:203.0.113.77]:80", "203.0.113.77", "203.0.113.0"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.0"),
    ],
)
def test_an_address_is_told_in_its_usual_spelling(written: str, address: str, network: str) -> None:
    environ = {"REMOTE_ADDR": written}
    assert context(environ=environ)["ip"] == address
    anonymous = {"enrich": [client_context, anonymize_ip]}
    assert context(environ=environ, pixel=anonymous)["ip"] == network


@pytest.mark.parametrize(
    "written",
    [
        "", "unknown", "localhost", "unix:", "unix:/run/app.sock", "-", "_hidden", "10.0.0", "10.0.0.0.1", "010.0.0.1",
        "256.1.1.1", "1.2.3.4, 5.6.7.8", "203.0.113.77:port", "[203.0.113.77]", "[2001:db8::7", "2001:db8::7]",
        "::1]:80",
        "2001:db8:::7", "12345::", "1.2.3.4/24", "0x7f.0.0.1", "2130706433", "\u0661.1.1.1", "1.1.1.1\0", "x" * 5000,
        "1" * 5000, ":" * 5000, "fe80::1%" + "z" * 5000, "<script>",
    ],
)  # fmt: skip
def test_what_is_no_address_is_left_out(written: str) -> None:
    environ = {"REMOTE_ADDR": written.encode().decode("latin-1")}
    assert "ip" not in context(environ=environ)
    assert "ip" not in context(environ=environ, pixel={"enrich": [client_context, anonymize_ip]})


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.ip_addresses())
def test_each_address_that_there_is_is_read_and_made_coarser(address: Any) -> None:
    pixel = Pixel(enrich=[client_context, anonymize_ip])
    told = ipaddress.ip_address(pixel.track("", environ={"REMOTE_ADDR": str(address)})["context"]["ip"])
    plain = getattr(address, "ipv4_mapped", None) or address
    assert told == ipaddress.ip_network((plain, 24 if plain.version == 4 else 48), strict=False).network_address


@pytest.mark.parametrize(
    "found", [{}, {"ip": None}, {"ip": 7}, {"ip": ["1.2.3.4"]}, {"ip": "unknown"}, None, "x"], ids=repr
)
def test_anonymize_ip_meets_whatever_other_enrichers_left(found: Any) -> None:
    event: Event = {"type": "page"} if found is None else {"type": "page", "context": found}
    anonymize_ip(event, Request(create_environ()))
    assert event.get("context", {}) == ("x" if found == "x" else {})


def test_behind_a_unix_socket_every_event_is_stored() -> None:
    pixel = Pixel(enrich=[client_context, anonymize_ip])
    for query in ("", "context=", "context=undefined", "context.ip=6.6.6.6"):
        assert "ip" not in pixel.track(query, environ={"REMOTE_ADDR": ""})["context"]
    assert pixel.refused("writeKey=k&anonymousId=a&event=e&context=x").code == "invalid"


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("de-CH, en;q=0.8", "de-CH"),
        ("en;q=0.8,nl-BE;q=0.9", "nl-BE"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("en_US", "en_US"),
        ("es-419", "es-419"),
        ("de-1996;q=1.000", "de-1996"),
        ("i-klingon", "i-klingon"),
        ("-BE, nl;q=0.5", "nl"),
        ("-BE", None),
        ("q=0.8", None),
        ("x" * 3000, None),
        ("x", None),
        ("en-", None),
        ("123", None),
        ("en-toolongsubtag", None),
        ("<script>", None),
        ("en;q=0", None),
        ("en;q=0.000, fr;q=0.001", "fr"),
        ("en;q=2, fr;q=0.3", "fr"),
        ("en;q=nan, fr;q=0.1", "fr"),
        ("en;q=-1", None),
        ("en;q=1e0, fr;q=0.1", "fr"),
        ("*, pt;q=0.3", "pt"),
        (",,,;;q=,en", "en"),
        ("en ; q=0.2 , fr ; q=0.9", "fr"),
        ("en;Q=0.2,fr;q=0.1", "en"),
        ("\u043d\u0435", None),
        ("en\0", None),
    ],
)
def test_the_locale_is_the_best_tag_that_looks_like_one(header: str, locale: str | None) -> None:
    found = context(environ={"HTTP_ACCEPT_LANGUAGE": header.encode().decode("latin-1")})
    assert found.get("locale") == locale


HEADERS = {"HTTP_USER_AGENT": ("userAgent",), "HTTP_REFERER": ("page", "url")}


@pytest.mark.parametrize("header_chars", [2048, 10])
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("char", ["x", "\u00e9", "\u20ac", "\U0001f600"])
def test_a_header_is_cut(header: str, char: str, header_chars: int) -> None:
    pixel = Pixel(limits=Limits(header_chars=header_chars))
    for chars in (header_chars - 1, header_chars, header_chars + 1, 33_000):
        text = ("h" + char * (chars - 1)).encode().decode("latin-1")
        found: Any = pixel.track("", environ={header: text})["context"]
        for name in HEADERS[header]:
            found = found[name]
        assert found == ("h" + char * (chars - 1))[:header_chars]


def test_of_the_languages_those_past_the_cut_are_not_read() -> None:
    environ = {"HTTP_ACCEPT_LANGUAGE": "fr;q=0.5,de"}
    assert context(environ=environ, pixel={"limits": Limits(header_chars=8)})["locale"] == "fr"


def test_header_chars_is_a_limit_as_the_others_are() -> None:
    assert Limits().header_chars == 2048
    with pytest.raises(ValueError, match="header_chars"):
        Limits(header_chars=0)
    with pytest.raises(TypeError, match="header_chars"):
        Limits(header_chars="2048")  # type: ignore[arg-type]


def test_an_enricher_may_be_called_with_any_werkzeug_request() -> None:
    event: Event = {"type": "page"}
    client_context(event, Request(create_environ(headers={"User-Agent": "x" * 3000, "Accept-Language": "fr"})))
    assert event["context"] == {"userAgent": "x" * 2048, "locale": "fr"}


HOSTILE = [
    "a," * 4096,
    "a;q=1," * 1365,
    "a;" * 4096,
    ";q=" * 2730,
    " " * 8190,
    "a-" * 4096,
    "," * 8192,
    "en;q=0.1," * 910,
]


@pytest.mark.parametrize("reply", ["gif", "auto"])
@pytest.mark.parametrize(
    "name", ["HTTP_ACCEPT_LANGUAGE", "HTTP_ACCEPT", "HTTP_USER_AGENT", "REMOTE_ADDR", "HTTP_REFERER"]
)
def test_no_header_of_8_kilobytes_costs_more_than_a_small_multiple(name: str, reply: str) -> None:
    """Ten milliseconds, two hundred times an ordinary request, are what it was."""
    client = WholeClient(Pixel(reply=reply).middleware)

    numbers = itertools.count()  # no header comes twice: what is computed once for a header helps none of these

    def ask(header: str) -> None:
        environ = {**create_environ("/pixel/v1/page"), "QUERY_STRING": "writeKey=k&anonymousId=a"}
        environ |= {"HTTP_ACCEPT_LANGUAGE": "en", "HTTP_ACCEPT": "*/*", name: f"{header}{next(numbers)}"}
        assert client.run_wsgi_app(environ, buffered=True)[1] == "200 OK"

    for header in HOSTILE:
        check_times(lambda usual, hostile: hostile < 10 * usual, partial(ask, "en"), partial(ask, header))
