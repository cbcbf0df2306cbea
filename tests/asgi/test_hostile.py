"""Clients, hosts and servers that misbehave: no event is lost, counted twice or made up, and the next one is served."""

from __future__ import annotations

import asyncio
import gc
import threading
import tracemalloc
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import create_environ, run_wsgi_app

from pixelmw import Event, PixelMiddleware
from pixelmw.asgi import PixelASGI
from pixelmw.live import LiveView
from tests.support.asgi import ask
from tests.support.asgi_hosts import host, track
from tests.support.pixel import host_app

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e"
SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/pixel/v1/track",
    "query_string": TRACK.partition("?")[2].encode(),
    "headers": [],
}


def get(app: PixelASGI, target: str = TRACK, **scope: Any) -> int:
    return asyncio.run(ask(app, target, **scope))[0]


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.001)


async def never() -> Any:
    await asyncio.Event().wait()


@pytest.mark.parametrize("kind", ["http.response.start", "http.response.body"])
@pytest.mark.parametrize(
    "error", [OSError("the client is gone"), asyncio.CancelledError()], ids=lambda error: repr(error)
)
def test_a_send_that_raises_is_the_servers_and_the_event_is_counted_once(kind: str, error: BaseException) -> None:
    events: list[Event] = []
    app = PixelASGI(host, events.append)

    async def send(message: Any) -> None:
        if message["type"] == kind:
            raise error

    with pytest.raises(type(error)):
        asyncio.run(run(app(SCOPE, never, send)))
    assert (app.stats(), app.waiting, len(events)) == ({"accepted": 1}, 0, 1)
    assert get(app) == 200


async def run(awaitable: Awaitable[None]) -> None:
    await awaitable


def test_a_client_that_reads_nothing_is_counted_before_it_goes_away() -> None:
    app = PixelASGI(host, print)

    async def ask_and_leave() -> None:
        async def send(message: Any) -> None:
            await never()

        request = asyncio.ensure_future(run(app(SCOPE, never, send)))
        await until(app.stats)
        request.cancel()
        await asyncio.wait([request], timeout=20)
        assert request.cancelled()

    asyncio.run(ask_and_leave())
    assert (app.stats(), app.waiting) == ({"accepted": 1}, 0)


def test_a_pixel_is_answered_without_a_look_at_its_body() -> None:
    async def receive() -> Any:
        raise OSError("the client is gone")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    app = PixelASGI(host, print)
    asyncio.run(run(app(SCOPE, receive, send)))
    asyncio.run(run(app({**SCOPE, "method": "POST"}, receive, send)))
    assert sent == ["http.response.start", "http.response.body"] * 2
    assert app.stats() == {"accepted": 1, "bad-method": 1}


async def raises() -> Any:
    raise OSError("the client is gone")


async def goes_away() -> Any:
    return {"type": "http.disconnect"}


def test_a_receive_that_raises_is_the_servers_and_one_that_breaks_off_is_answered() -> None:
    app = PixelASGI(host, print, live=LiveView())
    scope = {**SCOPE, "method": "POST", "path": "/_pixelmw/good", "headers": [(b"host", b"localhost")]}
    statuses: list[int] = []

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    with pytest.raises(OSError, match="the client is gone"):
        asyncio.run(run(app(scope, raises, send)))
    assert statuses == []
    asyncio.run(run(app(scope, goes_away, send)))
    assert len(statuses) == 2
    assert get(app) == 200


@pytest.mark.parametrize("at", ["enricher", "write_keys", "sink"])
def test_a_client_that_goes_away_at_any_step_is_stored_and_counted(at: str) -> None:
    go_on = threading.Event()
    stored: list[Event] = []

    def wait(*arguments: object) -> str:
        go_on.wait(20)
        return "shop"

    def sink(event: Event) -> None:
        if at == "sink":
            wait()
        stored.append(event)

    options: dict[str, Any] = {"enricher": {"enrich": [wait]}, "write_keys": {"write_keys": wait}, "sink": {}}
    app = PixelASGI(host, sink, **options[at])

    async def ask_and_leave() -> None:
        request = asyncio.ensure_future(ask(app, TRACK))
        await until(lambda: app.waiting)
        request.cancel()
        await asyncio.wait([request], timeout=20)
        assert request.cancelled()
        go_on.set()
        await until(app.stats)

    asyncio.run(ask_and_leave())
    assert (app.stats(), app.waiting, len(stored)) == ({"accepted": 1}, 0, 1)


def test_a_server_that_drops_a_request_without_a_word_loses_no_event() -> None:
    stored: list[Event] = []

    async def drop() -> None:
        go_on = asyncio.Event()

        async def sink(event: Event) -> None:
            await go_on.wait()
            stored.append(event)

        async def send(message: Any) -> None:
            raise AssertionError("nobody is there")

        app = PixelASGI(host, sink)
        request = app(SCOPE, never, send)
        request.send(None)  # as a server does that is written in another language
        request.close()
        go_on.set()
        await until(app.stats)
        assert (app.stats(), app.waiting) == ({"accepted": 1}, 0)

    asyncio.run(drop())
    assert len(stored) == 1


def test_clients_that_go_away_from_a_full_pool_make_room_once_their_events_are_stored() -> None:
    go_on = threading.Event()
    app = PixelASGI(host, lambda event: go_on.wait(20), threads=2, max_waiting=10)

    async def leave_all() -> None:
        asked = [asyncio.ensure_future(ask(app, track(str(number)))) for number in range(10)]
        await until(lambda: app.waiting == 10)
        for request in asked:
            request.cancel()
        await asyncio.wait(asked, timeout=20)
        assert (await ask(app, track("late")))[0] == 503
        assert app.waiting == 10
        go_on.set()
        await until(lambda: not app.waiting)
        assert (await ask(app, track("later")))[0] == 200
        await until(lambda: app.stats() == {"accepted": 11, "unavailable": 1})

    asyncio.run(leave_all())


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

    asyncio.run(run(app({name: value for name, value in whole.items() if name != left_out}, never, send)))
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
    query = TRACK.partition("?")[2].encode() + b"&messageId=m&properties.a=" + raw
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
