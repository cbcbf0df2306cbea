"""An ASGI scope as the WSGI environ that the collector reads."""

from __future__ import annotations

import io
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..text import wsgi_text

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]

# PEP 3333: these two have no "HTTP_" in front.
_WITHOUT_PREFIX = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
# The body is not read; nobody can write into a stream that has ended.
_SAME_FOR_ALL = {
    "wsgi.version": (1, 0),
    "wsgi.input": io.BytesIO(),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


def environ_of(scope: Scope, path: str) -> WSGIEnvironment:
    """The environ of a request without its body (PEP 3333), with the scope as ``asgi.scope``.

    Headers with an underscore in their names are left out, as servers for WSGI
    do: they could not be told from those with a hyphen.

    :param scope: an HTTP scope (ASGI 3.0).
    :param path: the path without the ``root_path``, as a WSGI server spells it.
    """
    server, client = scope.get("server") or ("localhost", 80), scope.get("client")
    environ: WSGIEnvironment = {
        **_SAME_FOR_ALL,
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": wsgi_text(scope.get("root_path", "").rstrip("/"), "surrogateescape"),
        "PATH_INFO": path,
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or ""),  # a Unix socket has none
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "asgi.scope": scope,
    }
    if client:
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = str(client[0]), str(client[1])
    _add_headers(environ, scope.get("headers", ()))
    return environ


async def add_body(environ: WSGIEnvironment, receive: Receive, max_bytes: int) -> None:
    """Put the body of a request, and its length, into *environ*; of a large one, a little more than *max_bytes*."""
    body, more_body = b"", True
    while more_body and len(body) <= max_bytes:
        message = await receive()
        body += message.get("body", b"")
        more_body = message.get("more_body", False)  # a client that has gone away sends no more
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))


def _add_headers(environ: WSGIEnvironment, headers: Iterable[tuple[bytes, bytes]]) -> None:
    repeated: dict[str, list[str]] = {}
    for name, value in headers:
        key = _key_of(name) if len(name) <= _MAX_CACHED_NAME else _key_of.__wrapped__(name)
        if key is None:
            continue
        text = value.decode("latin-1")
        if key in environ:
            repeated.setdefault(key, [environ[key]]).append(text)
        else:
            environ[key] = text
    for key, texts in repeated.items():
        # RFC 9110, section 5.3; and RFC 6265, section 5.4, for the one that has no commas
        environ[key] = ("; " if key == "HTTP_COOKIE" else ",").join(texts)


# Clients send any names they like, and some servers set them no limit: that is 50 KB at most.
_MAX_CACHED_NAME = 64


@lru_cache(maxsize=256)
def _key_of(name: bytes) -> str | None:
    if b"_" in name:
        return None
    return _WITHOUT_PREFIX.get(name.lower()) or f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
