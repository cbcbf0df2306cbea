"""What the tests share: a wrapped application whose every request goes through the WSGI validator."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest
from werkzeug.test import Client, TestResponse

from pixelmw import Collector, Event, PixelMiddleware, Rejected

#: 2026-11-23T12:34:56.789Z
NOW = 1795437296.789
INSTANT = "2026-11-23T12:34:56.789Z"

DRAFTS = {
    "draft 4": "http://json-schema.org/draft-04/schema#",
    "draft 6": "http://json-schema.org/draft-06/schema#",
    "draft 7": "http://json-schema.org/draft-07/schema#",
    "draft 2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft 2020-12": "https://json-schema.org/draft/2020-12/schema",
}


def host_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """The application that is wrapped in tests for which any will do."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the host application"]


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
        of_the_middleware = {name: options.pop(name) for name in ("paths", "reply") if name in options}
        defaults: dict[str, Any] = {
            "sink": self.events.append,
            "on_reject": self.refusals.append,
            "clock": lambda: NOW,
            "new_id": map("id-{}".format, itertools.count(1)).__next__,
        }
        collector = Collector(**(defaults | options))
        self.middleware = PixelMiddleware.around(app, collector, **of_the_middleware)
        self.client = WholeClient(validator(self.middleware), use_cookies=False)

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


@pytest.fixture
def pixel() -> Pixel:
    """A wrapped application with the default settings."""
    return Pixel()


def give_up(reason: str) -> None:
    """Skip the test, and fail it in CI."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def need(*names: str) -> str:
    """The path of the first program of *names* that is installed. If none is, the test is skipped, and fails in CI."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        give_up(f"{' or '.join(names)} is not installed")
    return str(found)


def conformance(name: str) -> Path:
    """A file of other people's tests, which may stand beside the checkout. If they do not, the test is skipped."""
    path = Path(__file__).parents[2] / "shared" / "conformance" / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout")
    return path


@pytest.fixture
def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
