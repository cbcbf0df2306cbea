"""Calls an ASGI application as if it were a WSGI one, so that one client asks both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any

Message = dict[str, Any]
ASGIApplication = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any]


def scope_of(environ: dict[str, Any]) -> Message:
    """The scope of the request, as a server for ASGI gives it: text where it decodes, bytes otherwise."""
    raw_path = environ["PATH_INFO"].encode("latin-1")
    names = [name for name in environ if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").partition("/")[2],
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": environ.get("SCRIPT_NAME", "") + raw_path.decode("utf-8", "replace"),
        "raw_path": raw_path,
        "query_string": environ["QUERY_STRING"].encode("latin-1"),
        "root_path": environ.get("SCRIPT_NAME", ""),
        "headers": [
            (
                name.removeprefix("HTTP_").replace("_", "-").lower().encode(),
                str(environ[name]).encode("latin-1"),
            )
            for name in names
            if environ[name]
        ],
        "client": (environ["REMOTE_ADDR"], 5000) if environ.get("REMOTE_ADDR") else None,
        "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
    }


async def exchange(app: ASGIApplication, scope: Message, body: bytes) -> list[Message]:
    """All that *app* sends for one request. The client stays until it is answered."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def as_wsgi(app: ASGIApplication) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """A WSGI application that has *app* answer, in an event loop of its own for each request."""

    def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start, *rest = asyncio.run(exchange(app, scope_of(environ), body))
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        start_response(f"{start['status']} {HTTPStatus(start['status']).phrase}", headers)
        return [message.get("body", b"") for message in rest]

    return wsgi


async def ask(app: Any, target: str, *, method: str = "GET", **scope: Any) -> tuple[int, dict[bytes, bytes], bytes]:
    """Ask *app* for *target*, a path with a query; returns status, headers and body.

    :param scope: what the scope has besides, or instead.
    """
    path, _, query = target.partition("?")
    asked = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [],
        "client": ("127.0.0.1", 5000),
        "server": ("localhost", 80),
        **scope,
    }
    start, *rest = await exchange(app, asked, b"")
    return start["status"], dict(start["headers"]), b"".join(message.get("body", b"") for message in rest)
