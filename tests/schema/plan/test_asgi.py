"""A tracking plan in an ASGI application."""

from __future__ import annotations

import asyncio
from typing import Any

from pixelmw import Event, TrackingPlan
from pixelmw.asgi import PixelASGI
from tests.support.plans import PLANS


async def host(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("no pixel reaches the application")


async def status_of(application: PixelASGI, query: str) -> int:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
             "path": "/pixel/v1/track", "raw_path": b"/pixel/v1/track", "root_path": "", "headers": [],
             "query_string": query.encode(), "client": ("127.0.0.1", 1), "server": ("localhost", 80)}  # fmt: skip
    await application(scope, receive, send)
    status: int = sent[0]["status"]
    return status


def test_an_asgi_application_takes_a_plan() -> None:
    events: list[Event] = []
    application = PixelASGI(host, events.append, plan=TrackingPlan(PLANS["pixelmw"]), write_keys="optional")
    query = "userId=1&event=Order+Completed&properties.order_id=7"
    assert asyncio.run(status_of(application, query)) == 400
    assert asyncio.run(status_of(application, f"{query}&properties.total=9.90")) == 200
    assert [event["properties"]["total"] for event in events] == [9.9]
