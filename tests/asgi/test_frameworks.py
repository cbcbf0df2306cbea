"""Starlette, FastAPI, Quart and Django as hosts, each wrapped in its own way, and trio, which is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import fastapi
import pytest
import quart
import starlette.applications
import starlette.background
import starlette.responses
import starlette.routing
import starlette.testclient
import trio

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from tests.support.asgi import ask
from tests.support.asgi_hosts import host, track

Made = tuple[Any, list[Event], list[str]]


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, str]]:
    app.state.life.append("began")
    yield {"of": "the host"}
    app.state.life.append("ended")


def with_starlette() -> Made:
    async def page(request: Any) -> Any:
        return starlette.responses.PlainTextResponse(f"page {request.state.of}")

    app = starlette.applications.Starlette(routes=[starlette.routing.Route("/", page)], lifespan=lifespan)
    app.state.life = life = list[str]()
    events: list[Event] = []
    app.add_middleware(PixelASGI, sink=events.append, write_keys=["k"])
    return app, events, life


def with_fastapi() -> Made:
    app = fastapi.FastAPI(lifespan=lifespan)

    @app.get("/")
    async def page(request: fastapi.Request) -> Any:
        return starlette.responses.PlainTextResponse(f"page {request.state.of}")

    app.state.life = life = list[str]()
    events: list[Event] = []
    app.add_middleware(PixelASGI, sink=events.append, write_keys=["k"])
    return app, events, life


@pytest.mark.parametrize("make", [with_starlette, with_fastapi])
def test_add_middleware_collects_pixels_and_leaves_pages_and_lifespan(make: Callable[[], Made]) -> None:
    app, events, life = make()
    with starlette.testclient.TestClient(app) as client:
        assert client.get("/").text == "page the host"
        answer = client.get(track("u"))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        assert client.get("/pixel/v1/track?writeKey=other").status_code == 401
        assert client.get("/nowhere").status_code == 404
    assert [event["userId"] for event in events] == ["u"]
    assert life == ["began", "ended"]


def test_a_websocket_background_tasks_and_streams_of_starlette_pass() -> None:
    done: list[str] = []

    async def talk(websocket: Any) -> None:
        await websocket.accept()
        await websocket.send_text((await websocket.receive_text()).upper())
        await websocket.close()

    async def later(request: Any) -> Any:
        task = starlette.background.BackgroundTask(done.append, "later")
        return starlette.responses.PlainTextResponse("now", background=task)

    async def stream(request: Any) -> Any:
        async def chunks() -> AsyncIterator[bytes]:
            for number in range(3):
                yield b"%d" % number

        return starlette.responses.StreamingResponse(chunks())

    routes: list[Any] = [
        starlette.routing.WebSocketRoute("/ws", talk),
        starlette.routing.Route("/later", later),
        starlette.routing.Route("/stream", stream),
    ]
    client = starlette.testclient.TestClient(PixelASGI(starlette.applications.Starlette(routes=routes), print))
    with client.websocket_connect("/ws") as websocket:
        websocket.send_text("hello")
        assert websocket.receive_text() == "HELLO"
    assert client.get("/later").text == "now"
    assert done == ["later"]
    assert client.get("/stream").text == "012"


def test_quart_is_wrapped_as_flask_is() -> None:
    app = quart.Quart("site")

    @app.get("/")
    async def page() -> str:
        return "page"

    events: list[Event] = []
    app.asgi_app = PixelASGI(app.asgi_app, events.append)  # type: ignore[assignment, method-assign]

    async def visit() -> None:
        client = app.test_client()
        assert await (await client.get("/")).get_data(as_text=True) == "page"
        assert (await client.get(track("u"))).status_code == 200

    asyncio.run(visit())
    assert [event["userId"] for event in events] == ["u"]


def test_two_test_clients_one_after_the_other_share_a_sink() -> None:
    events: list[Event] = []
    app = PixelASGI(host, events.append)
    for user in ("1", "2"):
        with starlette.testclient.TestClient(app) as client:
            assert client.get(track(user)).status_code == 200
    assert [event["userId"] for event in events] == ["1", "2"]


@pytest.mark.parametrize("scope", [{"type": "lifespan"}, {"type": "http", "path": "/pixel/v1/track"}])
def test_trio_is_refused_with_the_remedy(scope: dict[str, Any]) -> None:
    app = PixelASGI(host, print)
    with pytest.raises(RuntimeError, match="under asyncio only"):
        trio.run(app, scope, None, None)  # type: ignore[arg-type]


def test_under_trio_the_host_works_on() -> None:
    app = PixelASGI(host, print)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message["type"])

    trio.run(app, {"type": "http", "path": "/other"}, None, send)  # type: ignore[arg-type]
    assert sent == ["http.response.start", "http.response.body"]


def test_the_loop_goes_on_while_a_sink_takes_long() -> None:
    go_on = threading.Event()
    app = PixelASGI(host, lambda event: go_on.wait(20))

    async def visit() -> None:
        pixels = [asyncio.ensure_future(ask(app, track(str(number)))) for number in range(20)]
        while app.waiting < 20:
            await asyncio.sleep(0.001)
        assert (await ask(app, "/other"))[2] == b"the host"  # while all threads wait
        go_on.set()
        assert [status for status, _, _ in await asyncio.gather(*pixels)] == [200] * 20

    asyncio.run(visit())
