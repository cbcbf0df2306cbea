"""Replies of the user's that are none: the image is sent instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Response

from pixelmw.replies import GIF
from tests.support import shells
from tests.support.pixel import Pixel

shell = shells.shell

GOOD = "writeKey=k&anonymousId=a&event=e"


class Reply:
    """A reply whose methods are given."""

    def __init__(self, accepted: Any = None, refused: Any = None) -> None:
        self.accepted = accepted
        self.refused = refused or (lambda environ, refusal: Response("refused"))


@pytest.mark.parametrize("returned", [None, "OK", b"OK", [b"OK"], 200, ("200 OK", [], b"OK")], ids=repr)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_reply_that_returns_no_application_is_answered_by_the_image(
    shell: type[Pixel], method: str, returned: Any, caplog: pytest.LogCaptureFixture
) -> None:
    pixel = shell(reply=Reply(lambda environ: returned, lambda environ, refusal: returned))
    response = pixel.request(method, "/pixel/v1/track", GOOD)
    assert (response.status_code, response.content_type) == (200, "image/gif")
    assert response.data == (GIF if method == "GET" else b"")
    assert pixel.request("POST", "/pixel/v1/track", GOOD).status_code == 405
    assert "no WSGI application" in caplog.text


def no_answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    return [b"body"]


def text_for_bytes(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[Any]:
    start_response("200 OK", [])
    return ["text"]


def nothing_to_iterate(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
    start_response("200 OK", [])


@pytest.mark.parametrize(
    "status", ["OK", "", 200, b"200 OK", "20 x", "200 \u03a9", "200 OK\r\nX-Evil: 1", None], ids=repr
)
def test_a_status_that_no_server_could_send_is_answered_by_the_image(
    shell: type[Pixel], status: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(status, [])
        return [b""]

    pixel = shell(reply=Reply(accepted=lambda environ: app))
    assert pixel.get("/pixel/v1/track", GOOD).data == GIF
    assert len(pixel.events) == 1
    assert "whose status is" in caplog.text


@pytest.mark.parametrize(
    "header",
    [
        ("X-Name", "\u20ac"),
        ("X-Name", "a\r\nSet-Cookie: b"),
        ("X-Name", "\ud800"),
        ("X-Name", 1),
        (b"X-Name", b"1"),
        ("X\n", "1"),
        ("X-Name",),
        None,
    ],
    ids=ascii,
)
def test_a_header_that_no_server_could_send_is_answered_by_the_image(
    shell: type[Pixel], header: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain"), header])
        return [b""]

    pixel = shell(reply=Reply(accepted=lambda environ: app))
    response = pixel.get("/pixel/v1/track", GOOD)
    assert (response.status_code, response.data) == (200, GIF)
    assert len(pixel.events) == 1
    assert "the reply" in caplog.text


def test_a_header_in_latin_1_is_sent(shell: type[Pixel]) -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("X-Name", "Andr\xe9 1"), ("Content-Type", "text/plain")])
        return [b""]

    pixel = shell(reply=Reply(accepted=lambda environ: app))
    assert pixel.get("/pixel/v1/track", GOOD).headers["X-Name"] == "Andr\xe9 1"


async def asgi(*arguments: Any) -> None:
    pass


@pytest.mark.parametrize("app", [no_answer, text_for_bytes, nothing_to_iterate, asgi, lambda environ: [b"x"]])
def test_an_application_of_a_reply_that_is_none_is_answered_by_the_image(shell: type[Pixel], app: Any) -> None:
    pixel = shell(reply=Reply(accepted=lambda environ: app))
    response = pixel.get("/pixel/v1/track", GOOD)
    assert (response.status_code, response.data, len(pixel.events)) == (200, GIF, 1)
    assert pixel.middleware.collector.stats() == {"accepted": 1}


def test_an_application_of_a_reply_may_do_all_that_wsgi_lets_it_do(shell: type[Pixel]) -> None:
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"c", b"", b"d"])

        def close(self) -> None:
            closed.append(True)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("500 Not Yet", [("Content-Type", "text/html")])
        try:
            raise ValueError
        except ValueError as error:
            write = start_response(
                "202 Later", [("Content-Type", "text/plain"), ("X-A", "1"), ("X-A", "2")], (ValueError, error, None)
            )
        write(b"a")
        write(b"b")
        return Body()

    response = shell(reply=Reply(accepted=lambda environ: app)).get("/pixel/v1/track", GOOD)
    assert (response.status_code, response.data, closed) == (202, b"abcd", [True])
    assert ", ".join(response.headers.getlist("X-A")) == "1, 2"  # Django joins them; ASGI has no words for a status
