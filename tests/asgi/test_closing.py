"""However an application ends, its sink is flushed and closed after all that is under way, and within its time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from tests.support.asgi import ask
from tests.support.asgi_hosts import host, track

STARTED = {"type": "lifespan.startup.complete"}
Life = Callable[[], Any]


class Noting:
    """Notes its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, event: Event) -> None:
        self.calls.append("call")

    def flush(self) -> bool:
        self.calls.append("flush")
        return True

    def close(self) -> None:
        self.calls.append("close")


async def lives(app: PixelASGI, meanwhile: Callable[[], Any]) -> list[str]:
    """Start *app* and end it, as a server does; returns what it sent, and at the end what it raised."""
    messages: asyncio.Queue[Any] = asyncio.Queue()
    sent: list[str] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    life = asyncio.ensure_future(app({"type": "lifespan"}, messages.get, send))
    await messages.put({"type": "lifespan.startup"})
    while not sent:
        await asyncio.sleep(0)
    await meanwhile()
    await messages.put({"type": "lifespan.shutdown"})
    (outcome,) = await asyncio.gather(life, return_exceptions=True)
    return sent if outcome is None else [*sent, repr(outcome)]


async def returns_when_told(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send(STARTED)
    await receive()


async def raises_when_told(scope: Any, receive: Any, send: Any) -> None:
    await returns_when_told(scope, receive, send)
    raise LookupError("no database")


async def returns_once_started(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send(STARTED)


@pytest.mark.parametrize(
    ("application", "more"),
    [
        (returns_when_told, []),
        (raises_when_told, ["LookupError('no database')"]),
        (returns_once_started, ["lifespan.shutdown.complete"]),
    ],
)
def test_the_sink_is_closed_where_the_application_does_not_say_that_it_has_ended(
    application: Any, more: list[str]
) -> None:
    sink = Noting()
    app = PixelASGI(application, sink)
    sent = asyncio.run(lives(app, lambda: ask(app, track("a"))))
    assert sent == ["lifespan.startup.complete", *more]
    assert sink.calls == ["call", "flush", "close"]


def test_awaited_methods_get_the_time_that_they_ask_for() -> None:
    class Asking:
        def __init__(self) -> None:
            self.times: list[float] = []

        async def __call__(self, event: Event) -> None:
            pass

        async def flush(self, timeout: float) -> None:
            self.times.append(timeout)

        async def close(self, timeout: float) -> None:
            self.times.append(timeout)

    sink = Asking()
    app = PixelASGI(host, sink)
    asyncio.run(lives(app, lambda: ask(app, track("a"))))
    assert len(sink.times) == 2
    assert min(sink.times) > 1


@pytest.mark.slow
@pytest.mark.parametrize("is_awaited", [False, True])
def test_a_close_that_hangs_holds_up_the_end_for_its_time_only(
    is_awaited: bool, caplog: pytest.LogCaptureFixture
) -> None:
    hang = threading.Event()

    class Hanging(Noting):
        def close(self) -> None:
            hang.wait(60)

    class HangingAwaited:
        async def __call__(self, event: Event) -> None:
            pass

        async def close(self) -> None:
            await asyncio.Event().wait()

    app = PixelASGI(host, HangingAwaited() if is_awaited else Hanging())
    began = time.monotonic()
    try:
        sent = asyncio.run(lives(app, lambda: ask(app, track("a"))))
    finally:
        hang.set()
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert time.monotonic() - began < 20
    assert "the sink could not be closed: its close failed" in caplog.text


@pytest.mark.parametrize("is_awaited", [False, True])
def test_a_request_whose_client_has_gone_is_stored_before_the_sink_is_closed(is_awaited: bool) -> None:
    calls: list[str] = []

    class Sink:
        def __call__(self, event: Event) -> None:
            calls.append("sink")

        def close(self) -> None:
            calls.append("close")

    class AwaitedSink:
        async def __call__(self, event: Event) -> None:
            calls.append("sink")

        async def close(self) -> None:
            calls.append("close")

    def enrich(event: Event, request: object) -> None:
        time.sleep(0.05)
        calls.append("enricher")

    app = PixelASGI(host, AwaitedSink() if is_awaited else Sink(), enrich=[enrich] * 3)

    async def leaves() -> None:
        request = asyncio.ensure_future(ask(app, track("a")))
        while not app.waiting:
            await asyncio.sleep(0)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)

    asyncio.run(lives(app, leaves))
    assert calls == ["enricher", "enricher", "enricher", "sink", "close"]
    assert app.stats() == {"accepted": 1}


def test_a_start_that_returns_a_coroutine_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def connect() -> None:
        raise AssertionError

    class Sink(Noting):
        def start(self) -> Any:
            return connect()

    app = PixelASGI(host, Sink())
    asyncio.run(lives(app, lambda: ask(app, track("a"))))
    assert "could not be started" in caplog.text
    assert "whose call ran nothing" in caplog.text


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError], ids=lambda error: error.__name__)
def test_a_flush_that_ends_its_thread_is_logged_and_the_sink_is_closed(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    class Ending(Noting):
        def flush(self) -> bool:
            raise error

    sink = Ending()
    sent = asyncio.run(lives(PixelASGI(host, sink), lambda: asyncio.sleep(0)))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert sink.calls == ["close"]
    assert "the sink could not be closed: its flush failed" in caplog.text
