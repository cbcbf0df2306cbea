"""Whatever is not a pixel path is answered by a Django project as if the middleware were not there: real servers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from pixelmw.replies import GIF
from tests.support import django_site
from tests.support.fixture_apps import NEAR_MISSES
from tests.support.processes import wait_until
from tests.support.servers import exchange, request, running
from tests.support.slow import slow_but

SERVERS = {"uvicorn": "asgi", "hypercorn": "asgi", "gunicorn-gthread": "wsgi"}
TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e"
# Headers that differ with the moment.
MOMENT = re.compile(rb"\r\ndate: [^\r]+", re.IGNORECASE)
POSTED = {
    "binary": request("POST", "/echo", body=bytes(range(256)) * 64),
    "chunked": request("POST", "/echo", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n",
    "unread": request("POST", "/else", body=b"nobody reads this"),
    "options": request("OPTIONS", "/else", "Origin: https://a.example", "Access-Control-Request-Method: GET"),
}


class Pair(NamedTuple):
    """One project behind two servers of a kind, without pixels and with them."""

    bare: int
    wrapped: int

    def answers(self, raw: bytes) -> list[bytes]:
        return [MOMENT.sub(b"", exchange(port, raw)) for port in self]

    def closed(self) -> list[int]:
        """How often what was streamed was closed."""
        return [int(each.rpartition(b"\r\n\r\n")[2]) for each in self.answers(request("GET", "/closed"))]


@pytest.fixture(scope="module", params=slow_but(("uvicorn",), SERVERS))
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    directory = tmp_path_factory.mktemp("pair")
    interface = SERVERS[request.param]
    with (
        running(request.param, f"tests.support.django_server_sites:bare_{interface}", directory) as bare,
        running(request.param, f"tests.support.django_server_sites:{interface}", directory) as wrapped,
    ):
        yield Pair(bare, wrapped)


def test_the_two_differ_on_a_pixel_path(pair: Pair) -> None:
    """Without this the whole comparison would prove nothing."""
    bare, wrapped = pair.answers(request("GET", TRACK))
    assert bare.endswith(b"host GET /pixel/v1/track")
    assert wrapped.endswith(GIF)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kind", [*django_site.VIEWS, *django_site.STREAMS])
def test_every_kind_of_answer_is_byte_identical(pair: Pair, kind: str, method: str) -> None:
    """https://github.com/Archmonger/ServeStatic/pull/13: asynchronous files went through synchronous code."""
    bare, wrapped = pair.answers(request(method, f"/{kind}"))
    assert bare.startswith(b"HTTP/1.1 ")
    assert bare == wrapped


@pytest.mark.parametrize("kind", [kind for kind in django_site.STREAMS if kind != "file"])
def test_what_is_streamed_is_closed_once(pair: Pair, kind: str) -> None:
    """Under ASGI, Django does so after the last byte, and does not close what breaks off."""
    before = pair.closed()
    pair.answers(request("GET", f"/{kind}"))
    as_often = [[1, 1], [0, 0]] if kind == "breaks_off" else [[1, 1]]
    wait_until(
        lambda: [after - earlier for earlier, after in zip(before, pair.closed(), strict=True)] in as_often,
    )


@pytest.mark.parametrize("path", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_a_path_that_only_looks_like_a_pixel_is_the_projects(pair: Pair, path: str) -> None:
    bare, wrapped = pair.answers(request("GET", path))
    assert b"\r\n\r\nhost GET /" in bare
    assert bare == wrapped


@pytest.mark.parametrize("posted", POSTED.values(), ids=POSTED)
def test_what_is_sent_to_the_project_arrives_and_is_answered_alike(pair: Pair, posted: bytes) -> None:
    bare, wrapped = pair.answers(posted)
    assert bare.startswith(b"HTTP/1.1 20")
    assert bare == wrapped


def test_requests_on_one_connection_are_answered_alike(pair: Pair) -> None:
    targets = ["/file", "/stream_async", TRACK.replace("track", "tracks"), "/cookies"]
    keep = [request("GET", target, "Connection: keep-alive") for target in targets]
    bare, wrapped = pair.answers(b"".join(keep) + request("GET", "/else"))
    assert bare.count(b"HTTP/1.1 200") == 5
    assert bare == wrapped
