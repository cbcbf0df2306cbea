"""An application whose sink raises what the query names, for servers in processes of their own."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Iterable
from typing import Any

from pixelmw import Event, PixelMiddleware, Rejected

_RAISED: dict[str, Callable[[], BaseException]] = {
    "ValueError": ValueError,
    "SystemExit": lambda: SystemExit(3),
    "CancelledError": asyncio.CancelledError,
    "KeyboardInterrupt": KeyboardInterrupt,
    "GreenletExit": lambda: importlib.import_module("gevent").GreenletExit(),
    "Timeout": lambda: importlib.import_module("gevent").Timeout(1),
}


def fail(place: str, event: Event) -> None:
    """Raise what the event's property of that name says."""
    if name := event.get("properties", {}).get(place):
        raise _RAISED[name]()


def sink(event: Event) -> None:
    fail("sink", event)


def enrich(event: Event, request: object) -> None:
    fail("enrich", event)


def on_reject(refusal: Rejected) -> None:
    fail("on_reject", refusal.event or {})


class Reply:
    """Answers in text; fails where the query says so."""

    def accepted(self, environ: dict[str, Any]) -> Any:
        if "reply=" in environ["QUERY_STRING"]:
            raise _RAISED[environ["QUERY_STRING"].partition("reply=")[2]]()
        return lambda environ, start_response: (start_response("200 OK", [("Content-Length", "2")]), [b"OK"])[1]

    def refused(self, environ: dict[str, Any], refusal: Rejected) -> Any:
        status = f"{refusal.status} {refusal.code}"
        return lambda environ, start_response: (start_response(status, [("Content-Length", "0")]), [b""])[1]


def host(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Says what was counted."""
    body = f"{pixels.collector.stats()}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


pixels = PixelMiddleware(host, sink, enrich=[enrich], on_reject=on_reject, reply=Reply())
