"""Clients, hosts and servers that misbehave: no event is lost, counted twice or made up, and the next one is served."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from pixelmw.live import LiveView
from tests.support.asgi import ask
from tests.support.asgi_hosts import host, track

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
