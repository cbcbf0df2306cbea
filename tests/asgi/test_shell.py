"""The ASGI shell: what reaches the host untouched, what becomes of a scope, and where each callable runs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pixelmw import Collector, Event
from pixelmw.asgi import PixelASGI
from pixelmw.live import LiveView
from tests.support.asgi import ask
from tests.support.asgi_hosts import host

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e"


def get(app: PixelASGI, target: str, **scope: Any) -> tuple[int, dict[bytes, bytes], bytes]:
    return asyncio.run(ask(app, target, **scope))


@pytest.mark.parametrize(
    "scope", [{"type": "http", "path": "/other"}, {"type": "websocket", "path": "/pixel/v1/track"}, {"type": "new"}]
)
def test_what_is_no_pixel_reaches_the_host_with_the_very_objects(scope: dict[str, Any]) -> None:
    seen: list[tuple[Any, ...]] = []

    async def keep(*arguments: Any) -> None:
        seen.append(arguments)

    async def receive() -> None: ...

    async def send(message: Any) -> None: ...

    asyncio.run(PixelASGI(keep, print)(scope, receive, send))
    assert [list(map(id, arguments)) for arguments in seen] == [[id(scope), id(receive), id(send)]]


def test_what_the_host_raises_is_raised() -> None:
    async def fails(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("the host's own")

    with pytest.raises(LookupError, match="the host's own"):
        get(PixelASGI(fails, print), "/other")


@pytest.mark.parametrize(
    ("path", "root_path"),
    [
        ("/pixel/v1/track", ""),
        ("/pixel/v1/track", "/site"),
        ("/site/pixel/v1/track", "/site"),
        ("/site/pixel/v1/track", "/site/"),
        ("/site//pixel/v1/track", "/site/"),  # what uvicorn makes of that slip
        ("/pixel/v1/track", "/"),
        ("//pixel/v1/track", ""),
    ],
)
def test_a_path_is_ours_with_the_root_path_and_without(path: str, root_path: str) -> None:
    environs: list[dict[str, Any]] = []
    app = PixelASGI(host, print, enrich=[lambda event, request: environs.append(request.environ)])
    query = TRACK.partition("?")[2]
    assert get(app, f"{path}?{query}", root_path=root_path)[0] == 200
    assert environs[0]["PATH_INFO"] in ("/pixel/v1/track", "//pixel/v1/track")
    assert environs[0]["SCRIPT_NAME"] == root_path.rstrip("/")


def test_a_path_beyond_ascii_is_ours() -> None:
    events: list[Event] = []
    app = PixelASGI(host, events.append, paths={"/zähler": "page"})
    assert get(app, "/zähler?writeKey=k&anonymousId=a")[0] == 200
    assert get(app, "/zahler?writeKey=k&anonymousId=a")[2] == b"the host"
    assert len(events) == 1


def test_the_environ_is_that_of_a_wsgi_server() -> None:
    environs: list[dict[str, Any]] = []
    app = PixelASGI(host, print, enrich=[lambda event, request: environs.append(request.environ)])
    headers = [
        (b"user-agent", b"caf\xe9"),
        (b"x_forwarded_for", b"6.6.6.6"),
        (b"x-forwarded-for", b"1.1.1.1"),
        (b"x-forwarded-for", b"2.2.2.2"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"content-type", b"text/plain"),
        (b"Accept", b"*/*"),
    ]
    assert get(app, TRACK, headers=headers, server=("/run/socket", None), client=None)[0] == 200
    (environ,) = environs
    assert {name: value for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT"))} == {
        "HTTP_USER_AGENT": "caf\xe9",
        "HTTP_X_FORWARDED_FOR": "1.1.1.1,2.2.2.2",
        "HTTP_COOKIE": "a=1; b=2",
        "CONTENT_TYPE": "text/plain",
        "HTTP_ACCEPT": "*/*",
    }
    assert environ["SERVER_PORT"] == ""
    assert "REMOTE_ADDR" not in environ
    assert environ["asgi.scope"]["path"] == "/pixel/v1/track"


def test_raw_bytes_of_a_query_are_read_as_under_wsgi() -> None:
    events: list[Event] = []
    app = PixelASGI(host, events.append)
    assert get(app, f"{TRACK}&properties.a=caf\xe9+\xc3\xa9")[0] == 200
    assert events[0]["properties"]["a"] == "caf\ufffd é"


def test_the_live_view_is_served() -> None:
    app = PixelASGI(host, print, live=LiveView())
    headers = [(b"host", b"localhost")]
    assert get(app, TRACK)[0] == 200
    status, answered, body = get(app, "/_pixelmw/all", headers=headers)
    assert (status, json.loads(body)) == (200, {"total": 1, "good": 1, "bad": 0})
    assert answered[b"content-type"].startswith(b"application/json")


def test_a_ready_collector_is_wrapped_around() -> None:
    events: list[Event] = []
    collector = Collector(events.append)
    app = PixelASGI.around(host, collector, paths={"/t": "track"}, reply="ok")
    assert get(app, f"/t?{TRACK.partition('?')[2]}")[::2] == (200, b"OK")
    assert (app.collector, app.stats(), len(events)) == (collector, {"accepted": 1}, 1)


def test_whoever_gets_an_answer_may_change_its_headers() -> None:
    app = PixelASGI(host, print)

    async def twice() -> list[Any]:
        messages: list[Any] = []

        async def send(message: Any) -> None:
            messages.append(message)
            if "headers" in message:
                message["headers"].append((b"x-more", b"1"))

        scope = {"type": "http", "method": "OPTIONS", "path": "/pixel/v1/track", "query_string": b"", "headers": []}
        await app(scope, None, send)  # type: ignore[arg-type]
        await app(scope, None, send)  # type: ignore[arg-type]
        return messages

    first, _, second, _ = asyncio.run(twice())
    assert first["headers"] == second["headers"]
