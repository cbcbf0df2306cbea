"""Whatever is not a pixel path is answered as if the middleware were not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from wsgiref.validate import validator

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client, EnvironBuilder
from werkzeug.wrappers import Request

from pixelmw import Event, PixelMiddleware
from pixelmw.enrich import client_context
from pixelmw.replies import GIF
from tests.support.fixture_apps import BODIES, KINDS, NEAR_MISSES, STRANGE
from tests.support.pixel import host_app
from tests.support.servers import exchange, request, running

SERVERS = ("waitress", "gunicorn-gthread", "wsgiref")
TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e"
POSTED = {
    "form": request("POST", "/echo", "Content-Type: application/x-www-form-urlencoded", body=b"writeKey=k&event="),
    "binary": request("POST", "/echo", body=bytes(range(256)) * 64),
    "empty": request("POST", "/echo", "Content-Length: 0"),
    "unread": request("POST", "/plain", body=b"nobody reads this"),
    "put": request("PUT", "/echo", body=b"{}"),
    "unknown-method": request("BREW", "/plain"),
    "options": request("OPTIONS", "/plain", "Origin: https://a.example", "Access-Control-Request-Method: GET"),
}
CHUNKED = request("POST", "/echo", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n"


class Pair(NamedTuple):
    """One application behind two servers of a kind, bare and wrapped."""

    bare: int
    wrapped: int

    def answers(self, *parts: bytes) -> tuple[bytes, bytes]:
        """The two answers, byte for byte but for the Date."""
        bare, wrapped = (
            re.sub(rb"\r\nDate: [^\r]+", b"", exchange(port, *parts)) for port in (self.bare, self.wrapped)
        )
        return bare, wrapped


def difference(bare: bytes, wrapped: bytes) -> str:
    """Where the two answers part, in a few bytes: pytest's own comparison of a megabyte takes many minutes."""
    if bare == wrapped:
        return ""
    at = next((at for at, (one, other) in enumerate(zip(bare, wrapped, strict=False)) if one != other), len(bare))
    return f"at {at}: {bare[at : at + 80]!r} has become {wrapped[at : at + 80]!r}"


@pytest.fixture(scope="module", params=SERVERS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    directory = tmp_path_factory.mktemp("pair")
    with (
        running(request.param, "tests.support.fixture_apps:bare", directory) as bare,
        running(request.param, "tests.support.fixture_apps:wrapped", directory) as wrapped,
    ):
        yield Pair(bare, wrapped)


# wsgiref speaks HTTP/1.0.
http_1_1 = pytest.mark.parametrize("pair", SERVERS[:2], indirect=True)


def test_the_two_differ_on_a_pixel_path(pair: Pair) -> None:
    """Without this the whole comparison would prove nothing."""
    bare, wrapped = pair.answers(request("GET", TRACK))
    assert b"PATH_INFO='/pixel/v1/track'" in bare
    assert wrapped.endswith(GIF)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "closed"])
def test_every_kind_of_answer_is_byte_identical(pair: Pair, kind: str, method: str) -> None:
    bare, wrapped = pair.answers(request(method, f"/{kind}"))
    assert bare.startswith(b"HTTP/1.")
    assert not difference(bare, wrapped)


@pytest.mark.parametrize("path", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_a_path_that_only_looks_like_a_pixel_is_the_applications(pair: Pair, path: str) -> None:
    bare, wrapped = pair.answers(request("GET", path))
    assert b"PATH_INFO=" in bare
    assert not difference(bare, wrapped)


@pytest.mark.parametrize("posted", POSTED.values(), ids=POSTED)
def test_what_is_sent_to_the_application_arrives_and_is_answered_alike(pair: Pair, posted: bytes) -> None:
    bare, wrapped = pair.answers(posted)
    assert bare.startswith(b"HTTP/1.")
    assert not difference(bare, wrapped)


@http_1_1
def test_a_chunked_body_arrives_alike(pair: Pair) -> None:
    bare, wrapped = pair.answers(CHUNKED)
    assert bare.endswith(b"\r\n\r\nhello, world")
    assert not difference(bare, wrapped)


@http_1_1
def test_a_client_that_waits_for_100_continue_gets_it_alike(pair: Pair) -> None:
    head = request("POST", "/echo", "Expect: 100-continue", "Content-Length: 12")
    bare, wrapped = pair.answers(head, b"hello, world")
    assert bare.startswith(b"HTTP/1.1 100 Continue\r\n")
    assert bare.endswith(b"\r\n\r\nhello, world")
    assert not difference(bare, wrapped)


@http_1_1
def test_requests_on_one_connection_are_answered_alike(pair: Pair) -> None:
    keep = [request("GET", f"/{kind}", "Connection: keep-alive") for kind in ("sends_file", "large", "cookies")]
    bare, wrapped = pair.answers(b"".join(keep) + request("GET", "/plain"))
    assert bare.count(b"HTTP/1.1 200") == 4
    assert not difference(bare, wrapped)


def test_a_double_slash_is_ours_whatever_the_server_makes_of_it(pair: Pair) -> None:
    """gunicorn hands it over, the others make it one slash. Of three slashes, gunicorn's stay the application's."""
    _, wrapped = pair.answers(request("GET", "//pixel/v1/page?writeKey=k&anonymousId=a"))
    assert wrapped.endswith(GIF)
    bare, wrapped = pair.answers(request("GET", "///pixel/v1/page?writeKey=k&anonymousId=a"))
    if b"PATH_INFO='///pixel/v1/page'" in bare:
        assert not difference(bare, wrapped)
    else:
        assert wrapped.endswith(GIF)


@pytest.mark.parametrize("kind", ["closing", "fails_midway"])
@pytest.mark.parametrize("side", ["bare", "wrapped"])
def test_close_is_called_exactly_once(pair: Pair, side: str, kind: str) -> None:
    """The server closes before it hangs up, so the count is final by then."""

    def count() -> int:
        return int(exchange(getattr(pair, side), request("GET", "/closed")).rpartition(b"\r\n\r\n")[2])

    before = count()
    exchange(getattr(pair, side), request("GET", f"/{kind}"))
    assert count() == before + 1


# From here on in process, where it can be seen that nothing was even copied.


def environ_of(method: str, path: str | None, query: str = "", **more: Any) -> dict[str, Any]:
    environ = EnvironBuilder(method=method, query_string=query, **more).get_environ()
    if path is None:
        del environ["PATH_INFO"]
    else:
        environ["PATH_INFO"] = path
    return environ


def identities(environ: dict[str, Any]) -> list[tuple[str, int]]:
    return [(key, id(value)) for key, value in environ.items()]


def no_start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
    raise AssertionError("the application called nothing, and neither may the middleware")


@pytest.mark.parametrize("path", [*STRANGE.values(), None], ids=[*STRANGE, "absent"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_application_and_the_server_exchange_the_very_objects(body: Callable[[], Any], path: str | None) -> None:
    events: list[Event] = []
    returned, seen = body(), []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.append((environ, start_response, identities(environ)))
        return returned  # type: ignore[no-any-return]

    environ = environ_of("GET", path, "writeKey=k")
    before = identities(environ)
    assert PixelMiddleware(app, events.append)(environ, no_start) is returned
    assert len(seen) == 1
    assert seen[0][0] is environ
    assert seen[0][1] is no_start
    assert seen[0][2] == identities(environ) == before
    assert not events


@pytest.mark.parametrize("fault", [ValueError("a fault"), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_what_the_application_raises_is_the_servers_to_handle(fault: BaseException) -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise fault

    events: list[Event] = []
    with pytest.raises(type(fault)) as caught:
        PixelMiddleware(app, events.append)(environ_of("GET", "/"), no_start)
    assert caught.value is fault
    assert not events


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
@pytest.mark.parametrize("query", ["writeKey=k&anonymousId=a&event=e", "writeKey=k&anonymousId=a&event=", "a=1&a.b=2"])
def test_a_pixel_request_leaves_nothing_behind_in_the_environ(method: str, query: str) -> None:
    """Not even where an enricher reads all that Werkzeug would cache there, and the body stays unread."""

    read = []

    def curious(event: Event, request: Request) -> None:
        read.append((request.args, request.cookies, request.accept_languages, request.user_agent))

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        headers.clear()
        return print  # nobody writes

    events: list[Event] = []
    middleware = PixelMiddleware(host_app, events.append, enrich=[client_context, curious])
    environ = environ_of(method, "/pixel/v1/track", query, data=b"body", headers={"Cookie": "a=1", "Referer": "/x"})
    before = identities(environ)
    assert list(middleware(environ, start_response)) in ([GIF], [b""], [])
    assert identities(environ) == before
    assert environ["wsgi.input"].read() == b"body"
    assert len(read) == (method == "GET" and "a.b" not in query)


def get(app: Callable[..., Any], path: str, **options: Any) -> tuple[int, bytes]:
    """The answer to a GET that goes through the WSGI validator, read to its end and closed."""
    with Client(validator(app)).get(path, environ_base={"REMOTE_ADDR": "127.0.0.1"}, **options) as response:
        return response.status_code, response.data


@pytest.mark.parametrize(("hops", "ip"), [(0, "127.0.0.1"), (1, "203.0.113.7"), (2, "198.51.100.1")])
def test_proxyfix_around_the_middleware_makes_the_ip_the_clients(hops: int, ip: str) -> None:
    events: list[Event] = []
    app = ProxyFix(PixelMiddleware(host_app, events.append), x_for=hops)
    assert get(app, TRACK, headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}) == (200, GIF)
    assert events[0]["context"]["ip"] == ip


def test_an_application_that_is_mounted_below_a_prefix_has_its_pixels_there() -> None:
    """SCRIPT_NAME takes the prefix, and PATH_INFO is what counts."""
    events: list[Event] = []
    app = DispatcherMiddleware(KINDS["plain"], {"/sub": PixelMiddleware(host_app, events.append)})
    assert get(app, f"/sub{TRACK}") == (200, GIF)
    assert [event["event"] for event in events] == ["e"]
    assert b"PATH_INFO='/pixel/v1/track'" in get(app, TRACK)[1]
    assert get(app, "/sub/else") == (200, b"the host application")
    assert len(events) == 1
