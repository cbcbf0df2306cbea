"""Where each callable runs in the ASGI shell, and how what it raises is answered."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pixelmw import Event, Rejected
from pixelmw.asgi import PixelASGI
from pixelmw.replies import GIF
from pixelmw.sinks import Undeliverable
from tests.support.asgi import ask
from tests.support.asgi_hosts import host

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e"


def get(app: PixelASGI, target: str, **scope: Any) -> tuple[int, dict[bytes, bytes], bytes]:
    return asyncio.run(ask(app, target, **scope))


def where(places: list[str]) -> Callable[..., None]:
    def note(*arguments: object) -> None:
        places.append(threading.current_thread().name)

    return note


def test_plain_callables_of_the_users_run_in_threads() -> None:
    places: list[str] = []
    note = where(places)

    def keys(key: str) -> str:
        note()
        return "shop"

    app = PixelASGI(host, note, enrich=[note], write_keys=keys, on_reject=note)
    assert get(app, TRACK)[0] == 200
    assert get(app, "/pixel/v1/track?writeKey=k")[0] == 400
    assert len(places) == 6  # keys, enricher and sink; then keys, enricher and on_reject
    assert all(place.startswith("pixelmw") for place in places)


def test_a_reply_of_the_users_runs_in_a_thread() -> None:
    places: list[str] = []

    class Empty:
        def accepted(self, environ: Any) -> Any:
            places.append(threading.current_thread().name)

            def answer(environ: Any, start_response: Any) -> list[bytes]:
                start_response("202 Accepted", [("X-One", "1")])
                return [b"tak", b"en"]

            return answer

        def refused(self, environ: Any, refusal: Rejected) -> Any:
            raise LookupError

    app = PixelASGI(host, print, reply=Empty())
    assert get(app, TRACK) == (202, {b"x-one": b"1"}, b"taken")
    assert get(app, "/pixel/v1/track?event=e")[0] == 401  # by the image, since the reply fails
    assert places[0].startswith("pixelmw")


async def into_the_loop(events: list[Event], event: Event) -> None:
    await asyncio.sleep(0)
    assert threading.current_thread() is threading.main_thread()
    events.append(event)


class CallableObject:
    def __init__(self, events: list[Event]) -> None:
        self.events = events

    async def __call__(self, event: Event) -> None:
        await into_the_loop(self.events, event)

    async def method(self, event: Event) -> None:
        await into_the_loop(self.events, event)


@pytest.mark.parametrize("kind", ["function", "partial", "object", "method"])
def test_an_async_sink_is_awaited_in_the_loop(kind: str) -> None:
    events: list[Event] = []

    async def function(event: Event) -> None:
        await into_the_loop(events, event)

    sinks: dict[str, Any] = {
        "function": function,
        "partial": functools.partial(into_the_loop, events),
        "object": CallableObject(events),
        "method": CallableObject(events).method,
    }
    app = PixelASGI(host, sinks[kind])
    assert get(app, TRACK)[0] == 200
    assert [event["event"] for event in events] == ["e"]


def test_an_async_enricher_is_awaited_between_the_others() -> None:
    async def second(event: Event, request: Any) -> None:
        await asyncio.sleep(0)
        event["context"]["order"] = [*event["context"]["order"], 2]

    def first(event: Event, request: Any) -> None:
        event["context"]["order"] = [1]

    events: list[Event] = []
    app = PixelASGI(host, events.append, enrich=[first, second])
    assert get(app, TRACK)[0] == 200
    assert events[0]["context"]["order"] == [1, 2]


def test_threads_have_the_context_variables_of_the_request() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    seen: list[str] = []
    app = PixelASGI(host, lambda event: seen.append(variable.get()))

    async def with_variable() -> None:
        variable.set("set")
        await ask(app, TRACK)

    asyncio.run(with_variable())
    assert seen == ["set"]


def raises(error: BaseException) -> Callable[..., Any]:
    def fail(*arguments: object) -> Any:
        raise error

    return fail


def raises_in_a_task(error: BaseException) -> Callable[..., Any]:
    async def fail(*arguments: object) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("make", [raises, raises_in_a_task])
@pytest.mark.parametrize("error", [OSError(28, "full"), asyncio.CancelledError(), StopIteration()], ids=repr)
def test_whatever_a_sink_raises_is_answered_503(
    make: Callable[[BaseException], Any], error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    app = PixelASGI(host, make(error))
    status, headers, body = get(app, TRACK)
    assert (status, headers[b"x-pixel-error"], body) == (503, b"unavailable", GIF)
    assert app.stats() == {"unavailable": 1}
    assert "a track event was not stored" in caplog.text


def test_a_thread_that_is_to_end_is_answered_503() -> None:
    app = PixelASGI(host, raises(SystemExit(1)))
    assert get(app, TRACK)[0] == 503


def test_a_plain_callable_that_returns_a_coroutine_is_found_at_its_first_call(caplog: pytest.LogCaptureFixture) -> None:
    app = PixelASGI(host, lambda event: into_the_loop([], event))
    assert get(app, TRACK)[0] == 503
    assert "whose call ran nothing" in caplog.text


def test_what_is_called_after_the_client_has_gone_has_the_context_variables_of_the_request() -> None:
    visitor: contextvars.ContextVar[str] = contextvars.ContextVar("visitor", default="nobody")
    go_on = threading.Event()
    seen: list[str] = []

    def sink(event: Event) -> None:
        go_on.wait(20)
        raise Undeliverable("not that one")

    app = PixelASGI(host, sink, on_reject=lambda refusal: seen.append(visitor.get()))

    async def one() -> None:
        visitor.set("somebody")
        await ask(app, TRACK)

    async def leave() -> None:
        request = asyncio.create_task(one())
        while not app.waiting:
            await asyncio.sleep(0.001)
        request.cancel()
        await asyncio.wait([request])
        go_on.set()
        async with asyncio.timeout(20):
            while not seen:
                await asyncio.sleep(0.001)

    asyncio.run(leave())
    assert seen == ["somebody"]
