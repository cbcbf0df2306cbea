"""A wrapped application whose every request goes through the WSGI validator, and the client that asks it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from wsgiref.validate import validator

from werkzeug.test import Client, TestResponse

from pixelmw import Collector, Event, PixelMiddleware, Rejected

#: 2026-11-23T12:34:56.789Z
NOW = 1795437296.789


INSTANT = "2026-11-23T12:34:56.789Z"


def host_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """The application that is wrapped in tests for which any will do."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the host application"]


def no_matter(status: str, headers: list[tuple[str, str]], exc_info: object = None, /) -> Callable[[bytes], object]:
    """A start_response for tests that do not look at the status and the headers."""
    return lambda data: None


class WholeClient(Client):
    """A client that reads and closes each answer, as a server does."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, buffered=True, **kwargs)


class Pixel:
    """A wrapped application with its sink, its refusals, and a client that goes through the WSGI validator.

    The options are those of :class:`PixelMiddleware` and of :class:`Collector`.
    """

    def __init__(self, **options: Any) -> None:
        self.events: list[Event] = []
        self.refusals: list[Rejected] = []
        app = options.pop("app", host_app)
        of_the_middleware = {name: options.pop(name) for name in ("paths", "reply", "live") if name in options}
        defaults: dict[str, Any] = {
            "sink": self.events.append,
            "on_reject": self.refusals.append,
            "clock": lambda: NOW,
            "new_id": map("id-{}".format, itertools.count(1)).__next__,
        }
        collector = Collector(**(defaults | options))
        self._app = app
        self.middleware = self.wrapped(collector, **of_the_middleware)
        self.client = WholeClient(validator(self.as_application()), use_cookies=False)

    def wrapped(self, collector: Collector, **options: Any) -> Any:
        """The application of the host with pixels."""
        return PixelMiddleware.around(self._app, collector, **options)

    def as_application(self) -> Any:
        """The same as a WSGI application."""
        return self.middleware

    def get(self, path: str, query: str = "", **options: Any) -> TestResponse:
        """GET *path* with *query* exactly as spelled: each of its characters up to U+00FF is one byte."""
        return self.request("GET", path, query, **options)

    def request(self, method: str, path: str, query: str = "", **options: Any) -> TestResponse:
        overrides = {"QUERY_STRING": query, "REMOTE_ADDR": "127.0.0.1", **options.pop("environ", {})}
        return self.client.open(path, method=method, environ_overrides=overrides, **options)

    def track(self, query: str, **options: Any) -> Event:
        """The event that a track request with a key, an id and a name gives, and *query* on top."""
        return self.collected("/pixel/v1/track", f"writeKey=k&anonymousId=a&event=e&{query}", **options)

    def page(self, query: str, **options: Any) -> Event:
        """The event that a page request with a key and an id gives, and *query* on top."""
        return self.collected("/pixel/v1/page", f"writeKey=k&anonymousId=a&{query}", **options)

    def collected(self, path: str, query: str, **options: Any) -> Event:
        response = self.get(path, query, **options)
        assert response.status_code == 200, self.refusals[-1].message if self.refusals else response.data
        return self.events[-1]

    def refused(self, query: str, path: str = "/pixel/v1/track", **options: Any) -> Rejected:
        """The refusal that a request gives. Nothing was stored, and ``on_reject`` was called once."""
        stored, refused = len(self.events), len(self.refusals)
        response = self.get(path, query, **options)
        assert len(self.events) == stored
        assert len(self.refusals) == refused + 1
        refusal = self.refusals[-1]
        assert (response.status_code, response.headers["X-Pixel-Error"]) == (refusal.status, refusal.code)
        return refusal
