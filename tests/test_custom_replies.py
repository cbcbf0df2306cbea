"""Replies of the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

import pytest
from werkzeug.wrappers import Response

from pixelmw import Rejected
from pixelmw.replies import GIF
from tests.support import shells
from tests.support.pixel import Pixel, host_app

shell = shells.shell

GOOD = "writeKey=k&anonymousId=a&event=e"


class Broken(Exception):
    pass


class JSONReply:
    """A reply of the user's, with Werkzeug's responses."""

    def accepted(self, environ: WSGIEnvironment) -> WSGIApplication:
        return Response('{"ok": true}', mimetype="application/json")

    def refused(self, environ: WSGIEnvironment, refusal: Rejected) -> WSGIApplication:
        return Response(f'{{"error": "{refusal.code}"}}', refusal.status, mimetype="application/json")


def test_a_reply_may_be_an_object_of_the_users(shell: type[Pixel]) -> None:
    pixel = shell(reply=JSONReply())
    assert pixel.get("/pixel/v1/track", GOOD).json == {"ok": True}
    refused = pixel.get("/pixel/v1/track", "")
    assert (refused.status_code, refused.json) == (401, {"error": "unauthorized"})
    head = pixel.request("HEAD", "/pixel/v1/track", GOOD)
    assert (head.headers["Content-Length"], head.data) == ("12", b"")


def test_a_reply_that_knows_nothing_of_head_still_sends_no_body(shell: type[Pixel]) -> None:
    closed = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"body"])

        def close(self) -> None:
            closed.append(True)

    class Careless(JSONReply):
        def accepted(self, environ: WSGIEnvironment) -> WSGIApplication:
            return lambda environ, start_response: (host_app(environ, start_response), Body())[1]

    assert shell(reply=Careless()).request("HEAD", "/pixel/v1/track", GOOD).data == b""
    assert closed == [True]


def test_a_reply_that_fails_is_replaced_by_the_image(shell: type[Pixel], caplog: pytest.LogCaptureFixture) -> None:
    class Failing(JSONReply):
        def accepted(self, environ: WSGIEnvironment) -> WSGIApplication:
            raise Broken

    pixel = shell(reply=Failing())
    response = pixel.get("/pixel/v1/track", GOOD)
    assert (response.status_code, response.data, len(pixel.events)) == (200, GIF, 1)
    assert "Broken" in caplog.text
    assert {record.name for record in caplog.records} == {"pixelmw.requests"}


@pytest.mark.parametrize(
    ("reply", "error", "told"),
    [
        ("png", ValueError, "gif, ok, auto, always-gif"),
        (None, TypeError, "accepted"),
        (JSONReply, None, None),
        (object(), TypeError, "refused"),
    ],
)
def test_a_reply_that_cannot_work_is_told_at_construction(reply: Any, error: type[Exception] | None, told: str) -> None:
    if error is None:
        assert Pixel(reply=reply())
    else:
        with pytest.raises(error, match=told):
            Pixel(reply=reply)
