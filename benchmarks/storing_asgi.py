"""The ASGI applications of ``benchmarks/serve.py``: pixelmw's, and what a user would write instead."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import contenders
from jsonschema import Draft202012Validator

from pixelmw.asgi import PixelASGI
from pixelmw.delivery import Spool
from pixelmw.replies import GIF
from pixelmw.sinks import BatchSink, JSONLines, SQLite
from pixelmw.sinks.sql import SQL

_HEADERS = [(name.lower().encode(), value.encode()) for name, value in contenders.HEADERS.items()]
_HEADERS += [(b"content-type", b"image/gif"), (b"content-length", str(len(GIF)).encode())]
SLOW = 0.05  # seconds
_VALIDATOR = Draft202012Validator(contenders.PAGE_SCHEMA)


async def floor_app(scope: Any, receive: Any, send: Any) -> None:
    """The physical floor: a constant."""
    if scope["type"] != "http":
        raise ValueError(scope["type"])
    await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
    await send({"type": "http.response.body", "body": GIF})


def floor() -> Any:
    """The floor, by a factory as the others."""
    return floor_app


async def keep_nothing(event: dict[str, Any]) -> None:
    """Store nothing."""


def nothing() -> PixelASGI:
    """A sink that does nothing."""
    return PixelASGI(floor_app, keep_nothing)


def _take_long(event: dict[str, Any]) -> None:
    time.sleep(SLOW)


async def _take_long_awaited(event: dict[str, Any]) -> None:
    await asyncio.sleep(SLOW)


class _SlowBatches(BatchSink):
    def write(self, events: Sequence[dict[str, Any]]) -> None:
        time.sleep(SLOW)


def slow_thread() -> PixelASGI:
    """A plain function as sink, which takes long."""
    return PixelASGI(floor_app, _take_long)


def slow_task() -> PixelASGI:
    """An awaited sink, which takes long."""
    return PixelASGI(floor_app, _take_long_awaited)


def slow_batch() -> PixelASGI:
    """A sink that takes batches, and as long for each."""
    return PixelASGI(floor_app, _SlowBatches())


def jsonlines() -> PixelASGI:
    """A file, synced."""
    return PixelASGI(floor_app, JSONLines(Path(os.environ["STORE"], "events.jsonl")))


def sqlite() -> PixelASGI:
    """A database in a file."""
    return PixelASGI(floor_app, SQLite(Path(os.environ["STORE"], "events.db")))


def spool() -> PixelASGI:
    """A spool, which is drained to nowhere meanwhile."""
    return PixelASGI(floor_app, Spool(Path(os.environ["STORE"], "spool"), contenders.sink))


def postgresql() -> PixelASGI:
    """A table of PostgreSQL."""
    return PixelASGI(floor_app, SQL(os.environ["STORE"]))


def _event_of(request: Any) -> dict[str, Any] | None:
    """The event of a request, written by hand; ``None`` if it is not valid."""
    agent, referrer = request.headers.get("user-agent", ""), request.headers.get("referer", "")
    address = request.client.host if request.client else ""
    event = contenders.make_event(request.query_params.items(), address, agent, referrer)
    return event if _VALIDATOR.is_valid(event) else None


def fastapi_view(seconds: float = 0) -> Any:
    """A FastAPI route with a validator made once, and a sink that does nothing, for so many seconds."""
    from fastapi import FastAPI, Request, Response

    app = FastAPI()

    async def page(request: Request) -> Response:
        status = 200 if _event_of(request) is not None else 400
        if seconds:
            await asyncio.sleep(seconds)
        return Response(GIF, status, contenders.HEADERS, media_type="image/gif")

    page.__annotations__ |= {"request": Request, "return": Response}
    app.get("/pixel/v1/page")(page)
    return app


def slow_by_hand() -> Any:
    """The same beside the floor, with a sink that is awaited and takes long."""
    view = fastapi_view(SLOW)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (view if scope.get("path", "").startswith("/pixel/") else floor_app)(scope, receive, send)

    return app


def fastapi_asyncpg() -> Any:
    """Such a route, which inserts each event and commits, by a pool of asyncpg."""
    import json

    import asyncpg
    from fastapi import FastAPI, Request, Response

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        url = os.environ["STORE"].replace("+psycopg", "")
        async with asyncpg.create_pool(url, min_size=4, max_size=16) as app.state.pool:
            async with app.state.pool.acquire() as connection, connection.transaction():
                # Two workers that create it at the same time would fail.
                await connection.execute("SELECT pg_advisory_xact_lock(1)")
                await connection.execute("CREATE TABLE IF NOT EXISTS by_hand (id text PRIMARY KEY, body jsonb)")
            yield

    app = FastAPI(lifespan=lifespan)

    async def page(request: Request) -> Response:
        if (event := _event_of(request)) is None:
            return Response(GIF, 400, contenders.HEADERS, media_type="image/gif")
        await app.state.pool.execute(
            "INSERT INTO by_hand VALUES ($1, $2) ON CONFLICT DO NOTHING", event["messageId"], json.dumps(event)
        )
        return Response(GIF, 200, contenders.HEADERS, media_type="image/gif")

    page.__annotations__ |= {"request": Request, "return": Response}
    app.get("/pixel/v1/page")(page)
    return app
