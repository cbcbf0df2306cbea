"""The application that the real servers for ASGI run: wrapped as a user would, storing where the environment says."""

from __future__ import annotations

import os
from typing import Any

from pixelmw.asgi import PixelASGI
from pixelmw.sinks import SQLite


async def host(scope: Any, receive: Any, send: Any) -> None:
    """Says what was asked for, as the host of ``server_app`` does."""
    if scope["type"] != "http":
        raise ValueError(f"what is {scope['type']}?")
    body = f"host {scope['method']} {scope['path']}".encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


application = PixelASGI(host, SQLite(os.environ.get("PIXELMW_TEST_DB", ":memory:")))
