"""The ASGI shell: what reaches the host untouched, what becomes of a scope, and where each callable runs."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pixelmw import Event, PixelMiddleware, Rejected
from pixelmw.asgi import PixelASGI
from pixelmw.live import LiveView
from pixelmw.replies import GIF
from pixelmw.sinks import BatchSink
from tests.support.asgi import ask
from tests.support.asgi_hosts import host
from tests.support.pixel import host_app

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
        ("//pixel/v1/track", ""),
    ],
)
def test_a_path_is_ours_with_the_root_path_and_without(path: str, root_path: str) -> None:
    environs: list[dict[str, Any]] = []
    app = PixelASGI(host, print, enrich=[lambda event, request: environs.append(request.environ)])
    query = TRACK.partition("?")[2]
    assert get(app, f"{path}?{query}", root_path=root_path)[0] == 200
    assert environs[0]["PATH_INFO"] in ("/pixel/v1/track", "//pixel/v1/track")
    assert environs[0]["SCRIPT_NAME"] == root_path


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


def test_the_live_view_is_served() -> None:
    app = PixelASGI(host, print, live=LiveView())
    headers = [(b"host", b"localhost")]
    assert get(app, TRACK)[0] == 200
    status, answered, body = get(app, "/_pixelmw/all", headers=headers)
    assert (status, json.loads(body)) == (200, {"total": 1, "good": 1, "bad": 0})
    assert answered[b"content-type"].startswith(b"application/json")


class AsyncClose(BatchSink):
    def write(self, events: Any) -> None: ...

    async def close(self, timeout: float | None = None) -> None:  # type: ignore[override]
        ...


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((host_app, print), {}, "takes two arguments"),
        ((PixelMiddleware(host_app, print), print), {}, "takes two arguments"),
        (("app", print), {}, "give an ASGI application"),
        ((host, None), {}, "sink is None"),
        ((host, list), {}, "a class"),
        ((host, AsyncClose()), {}, "the method close of sink"),
        ((host, print), {"enrich": into_the_loop}, "give a list"),
        ((host, print), {"on_reject": into_the_loop}, "an async def"),
        ((host, print), {"threads": "8"}, "threads is '8'"),
        ((host, print), {"max_waiting": True}, "max_waiting is True"),
    ],
)
def test_a_mistake_in_the_arguments_is_a_type_error(arguments: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        PixelASGI(*arguments, **options)


@pytest.mark.parametrize("option", ["threads", "max_waiting"])
def test_a_number_below_one_is_a_value_error(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option} is 0: give at least 1"):
        PixelASGI(host, print, **{option: 0})  # type: ignore[arg-type]


def test_an_asgi_application_may_be_a_plain_function() -> None:
    def plain(scope: Any, receive: Any, send: Any) -> Any:
        return host(scope, receive, send)

    assert get(PixelASGI(plain, print), "/other")[2] == b"the host"


def test_the_wsgi_middleware_names_the_shell_for_an_asgi_application() -> None:
    with pytest.raises(TypeError, match="wrap it with pixelmw"):
        PixelMiddleware(host, print)  # type: ignore[arg-type]


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
