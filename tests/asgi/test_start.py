"""The first request of any path in a process starts the sink of the ASGI shell, without holding up the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from pixelmw.sinks import BatchSink


async def host(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the host"})


async def get(application: Callable[..., Awaitable[None]], path: str) -> bytes:
    """Send a GET request; returns the body of the answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], "scheme": "http"}
    await application({**scope, "http_version": "1.1", "server": ("h", 80), "client": ("c", 1)}, receive, send)
    return b"".join(message.get("body", b"") for message in sent)


async def settle(condition: Callable[[], object]) -> None:
    """Wait until *condition* is true."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


class Plain:
    """A sink that notes in which thread it was started."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, event: Event) -> None:
        pass

    def start(self) -> None:
        self.started.append(threading.get_ident())
        assert self.gate.wait(20)


class Awaited(Plain):
    """The same, to be awaited."""

    async def __call__(self, event: Event) -> None:  # type: ignore[override]
        pass

    async def start(self) -> None:  # type: ignore[override]
        self.started.append(threading.get_ident())


@pytest.mark.parametrize("kind", [Plain, Awaited])
@pytest.mark.parametrize("path", ["/", "/pixel/v1/track"])
def test_the_first_request_starts_it_and_later_ones_do_not(kind: type[Plain], path: str) -> None:
    sink = kind()

    async def main() -> None:
        application = PixelASGI(host, sink)
        await get(application, path)
        await settle(lambda: sink.started)
        for again in ("/", "/pixel/v1/track", "/other"):
            await get(application, again)

    asyncio.run(main())
    assert len(sink.started) == 1
    assert (sink.started[0] == threading.get_ident()) == (kind is Awaited)


def test_a_start_that_takes_its_time_holds_up_no_request() -> None:
    sink = Plain()
    sink.gate.clear()

    async def main() -> None:
        application = PixelASGI(host, sink)
        try:
            assert await get(application, "/") == b"the host"
            assert await get(application, "/") == b"the host"
            await settle(lambda: sink.started)
        finally:
            sink.gate.set()

    asyncio.run(main())
    assert len(sink.started) == 1


def test_a_start_that_hangs_does_not_hold_up_the_end_of_the_loop() -> None:
    sink = Plain()
    sink.gate.clear()
    ended = threading.Event()

    async def main() -> None:
        assert await get(PixelASGI(host, sink), "/") == b"the host"
        await settle(lambda: sink.started)

    def run() -> None:
        asyncio.run(main())
        ended.set()

    threading.Thread(target=run).start()
    try:
        assert ended.wait(10)
    finally:
        sink.gate.set()


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError], ids=lambda error: error.__name__)
def test_one_that_ends_its_thread_does_not_end_the_loop(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    class Ending(Plain):
        def start(self) -> None:
            raise error

    async def main() -> None:
        application = PixelASGI(host, Ending())
        assert await get(application, "/") == b"the host"
        await settle(lambda: caplog.records)
        assert await get(application, "/") == b"the host"

    asyncio.run(main())
    (record,) = caplog.records
    assert record.getMessage().endswith("could not be started; its first event will try again")


def test_one_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Plain):
        def start(self) -> None:
            raise OSError("no such volume")

    sink = Failing()

    async def main() -> None:
        application = PixelASGI(host, sink)
        assert await get(application, "/") == b"the host"
        await settle(lambda: caplog.records)
        assert await get(application, "/") == b"the host"

    asyncio.run(main())
    (record,) = caplog.records
    assert record.getMessage() == f"{sink!r} could not be started; its first event will try again"


def test_a_batch_sink_that_has_nothing_to_start_gets_no_thread() -> None:
    class Sink(BatchSink):
        def write(self, events: Any) -> None:
            pass

    async def main() -> None:
        before = threading.active_count()
        assert await get(PixelASGI(host, Sink()), "/") == b"the host"
        assert threading.active_count() == before

    asyncio.run(main())


def test_what_led_to_the_failure_of_one_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Plain):
        def start(self) -> None:
            try:
                raise OSError("no such volume")
            except OSError:
                raise LookupError("no other volume either")  # noqa: B904  # its context tells

    async def main() -> None:
        assert await get(PixelASGI(host, Failing()), "/") == b"the host"
        await settle(lambda: caplog.records)

    asyncio.run(main())
    assert "no such volume" in caplog.text
