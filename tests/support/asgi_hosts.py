"""A host application and the URL of an event, for the tests of this room."""

from __future__ import annotations

from typing import Any


async def host(scope: Any, receive: Any, send: Any) -> None:
    """Answer any request; as many applications, it knows no lifespan."""
    if scope["type"] != "http":
        raise ValueError(f"what is {scope['type']}?")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the host"})


def track(user: str, more: str = "") -> str:
    """A track event of *user*."""
    return f"/pixel/v1/track?writeKey=k&userId={user}&event=e{more}"
