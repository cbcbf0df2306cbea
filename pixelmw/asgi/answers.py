"""The answer of a WSGI application as ASGI messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..replies import FixedAnswer

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

Headers = list[tuple[bytes, bytes]]


def messages_of(answer: WSGIApplication, environ: WSGIEnvironment) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two messages that send *answer*. Whoever gets them may change them and their headers."""
    status, headers, body = _translated(answer, environ)
    start = {"type": "http.response.start", "status": status, "headers": headers.copy()}
    # By ASGI, "more_body" need not be there; Quart's test client reads it all the same.
    return start, {"type": "http.response.body", "body": body, "more_body": False}


def _translated(answer: WSGIApplication, environ: WSGIEnvironment) -> tuple[int, Headers, bytes]:
    if not isinstance(answer, FixedAnswer):
        return _run(answer, environ)
    if answer.translated is None:
        answer.translated = _run(answer, environ)
    kept: tuple[int, Headers, bytes] = answer.translated
    return kept


def _run(answer: WSGIApplication, environ: WSGIEnvironment) -> tuple[int, Headers, bytes]:
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        started.append((status, headers))
        return written.append

    chunks: Iterable[bytes] = answer(environ, start_response)
    body = b"".join([*written, *chunks])
    status, headers = started[-1]
    # ASGI: header names are in lower case.
    return int(status[:3]), [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers], body
