"""Whatever a scope holds or lacks becomes the environ that a server for WSGI makes of the same request."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import create_environ, run_wsgi_app

from pixelmw import Event, PixelMiddleware
from pixelmw.asgi import PixelASGI
from tests.support.asgi import ask
from tests.support.asgi_hosts import host
from tests.support.pixel import host_app

QUERY = b"writeKey=k&anonymousId=a&event=e"
SCOPE = {"type": "http", "method": "GET", "path": "/pixel/v1/track", "query_string": QUERY, "headers": []}


def get(app: PixelASGI, **scope: Any) -> int:
    return asyncio.run(ask(app, f"/pixel/v1/track?{QUERY.decode()}", **scope))[0]


async def answer(app: PixelASGI, scope: dict[str, Any], send: Any) -> None:
    await app(scope, asyncio.Event().wait, send)


@pytest.mark.parametrize(
    "left_out", ["query_string", "headers", "client", "server", "root_path", "http_version", "scheme"]
)
def test_what_a_scope_may_leave_out_is_not_missed(left_out: str) -> None:
    events: list[Event] = []
    app = PixelASGI(host, events.append, enrich=[lambda event, request: event.update(url=request.url)])
    whole = {**SCOPE, "client": ("1.2.3.4", 5), "server": ("localhost", 80), "root_path": "", "http_version": "1.1"}
    sent: list[int] = []

    async def send(message: Any) -> None:
        sent.append(message.get("status", 0))

    asyncio.run(answer(app, {name: value for name, value in whole.items() if name != left_out}, send))
    assert sent[0] == (401 if left_out == "query_string" else 200)
    assert len(events) == (left_out != "query_string")


def test_very_many_headers_are_read_as_a_server_for_wsgi_reads_them() -> None:
    environs: list[dict[str, Any]] = []
    app = PixelASGI(host, print, enrich=[lambda event, request: environs.append(request.environ)])
    headers = [(b"x-one", b"%d" % number) for number in range(20_000)]
    headers += [(b"cookie", b"c%d=1" % number) for number in range(20_000)]
    headers += [(b"x-%d" % number, b"\xff") for number in range(20_000)]
    assert get(app, headers=headers) == 200
    assert environs[0]["HTTP_X_ONE"] == ",".join(map(str, range(20_000)))
    assert environs[0]["HTTP_COOKIE"] == "; ".join(f"c{number}=1" for number in range(20_000))
    assert all(environs[0][f"HTTP_X_{number}"] == "\xff" for number in range(20_000))


def test_headers_may_come_as_any_iterable() -> None:
    events: list[Event] = []
    app = PixelASGI(host, events.append)
    given_headers: list[Iterable[Any]] = [iter([(b"user-agent", b"x")]), ([b"user-agent", b"x"],), []]
    assert [get(app, headers=headers) for headers in given_headers] == [200] * 3
    assert [event["context"].get("userAgent") for event in events] == ["x", "x", None]


def test_long_names_of_headers_are_not_kept() -> None:
    app = PixelASGI(host, lambda event: None)
    assert get(app) == 200
    tracemalloc.start()
    try:
        for number in range(50):
            assert get(app, headers=[(b"x-%d-" % number + b"a" * 100_000, b"1")]) == 200
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=60))
def test_any_bytes_in_a_query_are_the_event_that_wsgi_makes_of_them(raw: bytes) -> None:
    query = QUERY + b"&messageId=m&properties.a=" + raw
    events: list[Event] = []
    wsgi, asgi = PixelMiddleware(host_app, events.append), PixelASGI(host, events.append)
    run_wsgi_app(wsgi, {**create_environ("/pixel/v1/track"), "QUERY_STRING": query.decode("latin-1")}, buffered=True)
    get(asgi, query_string=query, client=("127.0.0.1", 5))
    made = [without_times(event) for event in events]
    assert len(made) in (0, 2)
    assert made[:1] == made[1:]
    assert wsgi.stats() == asgi.stats()


def without_times(event: Event) -> Event:
    texts = {name: value for name, value in event.items() if name not in ("originalTimestamp", "sentAt", "receivedAt")}
    return {**texts, "context": {name: value for name, value in event["context"].items() if name != "ip"}}
