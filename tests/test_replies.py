"""Answers: the table of the contract, in each mode."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from pixelmw import Event
from pixelmw.access import SignedLink
from pixelmw.errors import STATUS_OF_CODE
from pixelmw.links import Signer
from pixelmw.replies import GIF, ReplyMode
from pixelmw.sinks import Undeliverable
from tests.support import shells
from tests.support.pixel import Pixel

shell = shells.shell

GOOD = "writeKey=k&anonymousId=a&event=e"
SIGNER = Signer(["a key for these tests only"])
CASES = {
    "accepted": ("GET", GOOD, 200),
    "bad-query": ("GET", f"{GOOD}&event.x=1", 400),
    "invalid": ("GET", "writeKey=k&anonymousId=a", 400),
    "unauthorized": ("GET", "anonymousId=a&event=e", 401),
    "forged": ("GET", "signed=1.of.nobody", 403),
    "expired": ("GET", f"signed={SIGNER.sign(SignedLink('track', GOOD, made=0, ends=1))}", 410),
    "too-large": ("GET", f"{GOOD}&{'n' * 300}=1", 414),
    "undeliverable": ("GET", f"{GOOD}&never=1", 422),
    "unavailable": ("GET", f"{GOOD}&fail=1", 503),
    "bad-method": ("POST", GOOD, 405),
}
TEXT = "text/plain; charset=utf-8"


class Broken(Exception):
    pass


def answer(shell: type[Pixel], outcome: str, reply: ReplyMode, **options: Any) -> tuple[TestResponse, Pixel]:
    """The answer to the request that ends as *outcome*, and the wrapped application."""

    def sink(event: Event) -> None:
        pixel.events.append(event)
        if "fail" in event:
            raise Broken
        if "never" in event:
            raise Undeliverable

    pixel = shell(reply=reply, sink=sink, signer=SIGNER, unsigned="allow")
    method, query, _ = CASES[outcome]
    return pixel.request(method, "/pixel/v1/track", query, **options), pixel


def test_the_table_has_every_code() -> None:
    assert set(CASES) - {"accepted"} == set(STATUS_OF_CODE)


@pytest.mark.parametrize("outcome", CASES)
@pytest.mark.parametrize("reply", ["gif", "auto"])
def test_gif_answers_with_the_image_whatever_happened(shell: type[Pixel], reply: ReplyMode, outcome: str) -> None:
    response, _ = answer(shell, outcome, reply)
    assert (response.status_code, response.content_type, response.data) == (CASES[outcome][2], "image/gif", GIF)
    assert response.headers.get("X-Pixel-Error") == (None if outcome == "accepted" else outcome)


@pytest.mark.parametrize(
    ("outcome", "body"),
    [
        ("accepted", "OK"),
        ("bad-query", "event has a value, and so has event.x inside it"),
        ("invalid", "event is required"),
        ("unauthorized", "writeKey is missing"),
        ("forged", "the link was altered, or was not signed with a key of ours"),
        ("expired", "the link is past its time"),
        ("too-large", f"the parameter {'n' * 64}… has a name of 300 characters; at most 256 are accepted"),
        ("undeliverable", "the destination does not take this event"),
        ("unavailable", "the event could not be stored"),
        ("bad-method", "the method must be GET, HEAD or OPTIONS"),
    ],
)
def test_ok_answers_with_ok_or_an_error_string(shell: type[Pixel], outcome: str, body: str) -> None:
    response, _ = answer(shell, outcome, "ok")
    assert (response.status_code, response.content_type, response.text) == (CASES[outcome][2], TEXT, body)


@pytest.mark.parametrize("outcome", CASES)
def test_always_gif_answers_every_get_with_200_and_the_image_and_still_tells_the_operator(
    shell: type[Pixel], outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    response, pixel = answer(shell, outcome, "always-gif")
    assert response.status_code == (405 if outcome == "bad-method" else 200)
    assert (response.content_type, response.data) == ("image/gif", GIF)
    if outcome == "unavailable":
        assert "Broken" in caplog.text
    elif outcome != "accepted":
        assert pixel.refusals[-1].code == outcome


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/plain", TEXT),
        ("TEXT/Plain; charset=utf-8", TEXT),
        ("text/html, text/plain;q=0.5", TEXT),
        ("text/plain;q=0", "image/gif"),
        ("text/plain, image/*;q=0.1", "image/gif"),
        ("text/plain, image/webp", "image/gif"),
        ("text/plain, */*", "image/gif"),
        ("text/*", "image/gif"),
        ("application/json", "image/gif"),
        ("*/*", "image/gif"),
        ("", "image/gif"),
        (";;;,", "image/gif"),
    ],
)
@pytest.mark.parametrize("outcome", ["accepted", "invalid"])
def test_auto_is_text_only_for_a_client_that_asks_for_text_and_no_image(
    shell: type[Pixel], outcome: str, accept: str, expected: str
) -> None:
    response, _ = answer(shell, outcome, "auto", headers={"Accept": accept})
    assert response.content_type == expected
    assert response.headers["Vary"] == "Accept"


@pytest.mark.parametrize("method", [None, "HEAD", "OPTIONS"], ids=["as it is", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("outcome", CASES)
@pytest.mark.parametrize("reply", ["gif", "ok", "auto", "always-gif"])
def test_every_answer_carries_the_headers_of_the_contract(
    shell: type[Pixel], reply: ReplyMode, outcome: str, method: str | None
) -> None:
    if method is None:
        response, _ = answer(shell, outcome, reply)
    else:
        response = shell(reply=reply).request(method, "/pixel/v1/track", CASES[outcome][1])
    headers = response.headers
    assert {"no-store", "private"} <= set(headers["Cache-Control"].split(", "))
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert not {"ETag", "Last-Modified", "Set-Cookie", "Content-Encoding"} & set(headers.keys())
    if response.status_code == 204:
        assert "Content-Length" not in headers
    elif method != "HEAD":
        assert headers["Content-Length"] == str(len(response.data))
    assert len(set(headers.keys())) == len(headers)
    if "X-Pixel-Error" in headers:
        assert headers["Access-Control-Expose-Headers"] == "X-Pixel-Error"


@pytest.mark.parametrize("reply", ["gif", "ok", "auto", "always-gif"])
def test_head_gets_the_headers_of_an_accepted_get_and_records_nothing(shell: type[Pixel], reply: ReplyMode) -> None:
    pixel = shell(reply=reply)
    get = pixel.get("/pixel/v1/track", GOOD)
    for query in (GOOD, "", "event.x=1&event=2"):
        head = pixel.request("HEAD", "/pixel/v1/track", query)
        assert (head.status, head.headers, head.data) == (get.status, get.headers, b"")
    assert (len(pixel.events), pixel.refusals) == (1, [])
    assert pixel.middleware.collector.stats() == {"accepted": 1}


@pytest.mark.parametrize("reply", ["gif", "ok", "auto", "always-gif"])
def test_options_is_answered_as_a_preflight_and_records_nothing(shell: type[Pixel], reply: ReplyMode) -> None:
    pixel = shell(reply=reply)
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    response = pixel.request("OPTIONS", "/pixel/v1/track", GOOD, headers=headers)
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert response.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert response.headers["Access-Control-Allow-Headers"] == "*"
    assert not pixel.events
    assert not pixel.refusals


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
def test_another_method_is_refused_and_told(shell: type[Pixel], method: str) -> None:
    pixel = shell()
    response = pixel.request(method, "/pixel/v1/track", GOOD)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert not pixel.events
    (refusal,) = pixel.refusals
    assert (refusal.code, refusal.event_type, refusal.query) == (
        "bad-method",
        "track",
        "writeKey=***&anonymousId=a&event=e",
    )


@pytest.mark.parametrize("reply", ["gif", "ok", "auto"])
def test_an_unavailable_sink_says_when_to_try_again(shell: type[Pixel], reply: ReplyMode) -> None:
    assert int(answer(shell, "unavailable", reply)[0].headers["Retry-After"]) > 0


def test_the_image_is_a_well_formed_transparent_gif_of_one_pixel() -> None:
    assert len(GIF) == 43
    assert GIF[:6] == b"GIF89a"
    assert struct.unpack("<HH", GIF[6:10]) == (1, 1)
    control = GIF.index(b"\x21\xf9\x04")
    assert GIF[control + 3] & 1, "the transparent colour flag"
    image = GIF.index(b"\x2c", control + 8)
    assert GIF[image + 10 :] == b"\x02\x02\x44\x01\x00\x3b", "clear, one pixel, end: the whole LZW stream"


def test_no_value_of_the_users_is_in_any_header(shell: type[Pixel]) -> None:
    pixel = shell(reply="ok")
    for query in (
        "s3ntinel=s3ntinel",
        f"{GOOD}&s3ntinel=s3ntinel",
        "writeKey=k&event=s3ntinel&s3ntinel.a=1&s3ntinel=1",
    ):
        assert "s3ntinel" not in str(pixel.get("/pixel/v1/track", query, headers={"Origin": "s3ntinel"}).headers)


def test_answers_do_not_share_their_header_lists() -> None:
    seen = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        headers.append(("Set-Cookie", "of a middleware outside"))
        seen.append(headers)
        return lambda data: None

    middleware = Pixel().middleware
    for _ in range(2):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/pixel/v1/track", "QUERY_STRING": GOOD}
        assert b"".join(middleware(environ, start_response)) == GIF
    assert [name for name, _ in seen[1]].count("Set-Cookie") == 1
