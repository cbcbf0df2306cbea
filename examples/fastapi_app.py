"""A FastAPI application with a tracking pixel, and an enricher that is awaited.

Run it with ``uvicorn fastapi_app:app``, open http://127.0.0.1:8000/ and look into ``events.db``.
"""

import asyncio
import os

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from werkzeug.wrappers import Request

from pixelmw import Event
from pixelmw.asgi import PixelASGI
from pixelmw.enrich import client_context
from pixelmw.sinks import SQLite

PLANS = {"42": "pro"}


async def add_plan(event: Event, request: Request) -> None:
    """Add what is known of the visitor; a driver for asyncio would be awaited here."""
    await asyncio.sleep(0)
    event.setdefault("properties", {})["plan"] = PLANS.get(event.get("userId", ""), "free")


app = FastAPI()
app.add_middleware(
    PixelASGI,
    sink=SQLite(os.environ.get("EVENTS_DB", "events.db")),
    write_keys=["web"],
    enrich=[client_context, add_plan],
)


@app.get("/", response_class=HTMLResponse)
async def home() -> str:
    """A page that tells its own visits; the pixel needs no JavaScript."""
    return '<h1>Hello</h1><img src="/pixel/v1/page?writeKey=web&amp;userId=42&amp;name=Home" alt="">'
