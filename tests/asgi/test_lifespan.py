"""The lifespan is the host's, except that the sink is closed before the server hears of the end."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from pixelmw.sinks import BatchSink
from tests.support.asgi import ask
from tests.support.asgi_hosts import track


class Closing(BatchSink):
    """Notes what it is asked for."""

    def __init__(self, fails: bool = False) -> None:
        self.calls: list[str] = []
        self.fails = fails

    def write(self, events: Any) -> None:
        self.calls += [event["userId"] for event in events]

    def flush(self, timeout: float | None = None) -> bool:
        self.calls.append("flush")
        if self.fails:
            raise OSError("no")
        return True

    def close(self, timeout: float | None = None) -> None:
        self.calls.append("close")


class AsyncClosing:
    def __init__(self) -> None:
        self.calls: list[str] = []

    async def __call__(self, event: Event) -> None:
        self.calls.append(event["userId"])

    async def close(self) -> None:
        self.calls.append("close")


async def speaks_lifespan(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "lifespan"
    assert (await receive())["type"] == "lifespan.startup"
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    await send({"type": "lifespan.shutdown.complete"})


async def refuses(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("can only handle HTTP")


async def ignores(scope: Any, receive: Any, send: Any) -> None:
    return


async def answers_anything(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def answers_anything_and_hides_errors(scope: Any, receive: Any, send: Any) -> None:
    with suppress(Exception):
        await answers_anything(scope, receive, send)


async def fails_at_startup(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    raise LookupError("no database")


async def says_that_startup_failed(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
    raise LookupError("no database")


async def live(app: PixelASGI, events: int = 1) -> list[Any]:
    """Start *app*, ask it for *events* and end it, as a server does; returns what it sent and the sink's calls then."""
    to_app: asyncio.Queue[Any] = asyncio.Queue()
    sent: list[Any] = []
    answered = asyncio.Event()

    async def send(message: Any) -> None:
        sent.append((message["type"], list(getattr(app.collector.sink, "calls", []))))
        answered.set()

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    life = asyncio.ensure_future(app(scope, to_app.get, send))
    await to_app.put({"type": "lifespan.startup"})
    waiter = asyncio.ensure_future(answered.wait())
    await asyncio.wait([life, waiter], return_when=asyncio.FIRST_COMPLETED, timeout=10)
    waiter.cancel()
    if life.done():
        return [life.exception(), *sent]
    for number in range(events):
        assert (await ask(app, track(str(number))))[0] == 200
    await to_app.put({"type": "lifespan.shutdown"})
    await asyncio.wait_for(life, 10)
    return sent


async def reads_a_body_first(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await answers_anything(scope, receive, send)


async def reads_and_returns(scope: Any, receive: Any, send: Any) -> None:
    await receive()


HOSTS = [
    speaks_lifespan,
    refuses,
    ignores,
    answers_anything,
    answers_anything_and_hides_errors,
    reads_a_body_first,
    reads_and_returns,
]


@pytest.mark.parametrize("host", HOSTS)
def test_the_sink_is_flushed_and_closed_before_the_end_is_answered(host: Any) -> None:
    app = PixelASGI(host, Closing())
    assert asyncio.run(live(app)) == [
        ("lifespan.startup.complete", []),
        ("lifespan.shutdown.complete", ["0", "flush", "close"]),
    ]


def test_a_sink_that_is_awaited_is_closed_too() -> None:
    sink = AsyncClosing()
    asyncio.run(live(PixelASGI(refuses, sink)))
    assert sink.calls == ["0", "close"]


def test_a_sink_that_cannot_be_closed_is_logged_and_the_host_ends(caplog: pytest.LogCaptureFixture) -> None:
    sent = asyncio.run(live(PixelASGI(speaks_lifespan, Closing(fails=True))))
    assert sent == [
        ("lifespan.startup.complete", []),
        ("lifespan.shutdown.complete", ["0", "flush", "close"]),
    ]
    assert "the sink could not be closed: its flush failed" in caplog.text


def test_a_host_that_fails_at_its_start_fails() -> None:
    error, *sent = asyncio.run(live(PixelASGI(fails_at_startup, Closing())))
    assert isinstance(error, LookupError)
    assert sent == []


def test_a_host_that_says_that_it_failed_is_passed_on() -> None:
    sent = asyncio.run(live_until_failure(PixelASGI(says_that_startup_failed, Closing())))
    assert sent == ["lifespan.startup.failed"]


async def live_until_failure(app: PixelASGI) -> list[str]:
    sent: list[str] = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    with pytest.raises(LookupError):
        await app({"type": "lifespan"}, receive, send)
    return sent


def test_the_end_waits_for_what_is_under_way_each_time_the_application_ends() -> None:
    go_on = threading.Event()
    stored: list[str] = []

    def sink(event: Event) -> None:
        go_on.wait(20)
        stored.append(event["userId"])

    app = PixelASGI(speaks_lifespan, sink)

    async def live_once(user: str) -> None:
        to_app: asyncio.Queue[Any] = asyncio.Queue()
        sent: list[str] = []

        async def send(message: Any) -> None:
            sent.append(message["type"])

        life = asyncio.ensure_future(app({"type": "lifespan"}, to_app.get, send))
        await to_app.put({"type": "lifespan.startup"})
        request = asyncio.ensure_future(ask(app, track(user)))
        while not app.waiting:
            await asyncio.sleep(0.001)
        await to_app.put({"type": "lifespan.shutdown"})
        await asyncio.sleep(0.05)
        assert sent == ["lifespan.startup.complete"]
        go_on.set()
        await asyncio.wait_for(life, 8)  # not the ten seconds that the end has at most
        assert sent[1:] == ["lifespan.shutdown.complete"]
        assert (await request)[0] == 200

    for user in ("first", "second"):
        asyncio.run(live_once(user))
        go_on.clear()
    assert stored == ["first", "second"]
