"""A site with a live view under a real server, what asks it, and a browser that looks at it."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, BrowserType, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from pixelmw import Event, PixelMiddleware
from pixelmw.live import LiveView
from tests.support.needs import need
from tests.support.pixel import WholeClient, host_app

TRACK = "/pixel/v1/track"
PAGE = "/pixel/v1/page"
TOKEN = "a-token-of-24-characters"
#: An environ as a browser on this machine makes it.
HERE = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:8000"}
#: What a page has to show within; the view asks once a second.
SOON = 2000.0  # milliseconds


def names_of(entries: list[dict[str, Any]]) -> list[str]:
    """The event, or the name, of each entry that the view shows."""
    return [entry["event"].get("event") or entry["event"].get("name") for entry in entries]


class LiveClient:
    """Asks a live view by way of the middleware, without a server; each path is one below the page's.

    The options are those of the middleware; the sink is a list, and every key and none will do.
    """

    def __init__(self, live: LiveView | None = None, **options: Any) -> None:
        self.events: list[Event] = []
        self.live = live or LiveView()
        defaults: dict[str, Any] = {"sink": self.events.append, "write_keys": "optional", "on_reject": print}
        self.middleware = PixelMiddleware(host_app, live=self.live, **(defaults | options))
        self.client = WholeClient(self.middleware, use_cookies=False)

    def send(self, path: str = TRACK, **fields: str) -> int:
        """Send a pixel; gives the status."""
        return self.client.get(path, query_string=fields, environ_overrides=HERE).status_code

    def ask(self, path: str = "", method: str = "GET", **environ: Any) -> Any:
        """Ask the view as somebody on this machine, with *environ* on top; ``None`` takes a variable out."""
        given = {name: value for name, value in (HERE | environ).items() if value is not None}
        options = {name: given.pop(name) for name in ("json", "data", "query_string") if name in given}
        left_out = {name for name, value in environ.items() if value is None}
        # Before 3.1, Werkzeug's client reads the host, and raises for one that is none.
        host = {name: given.pop(name) for name in ("HTTP_HOST",) if name in given}

        def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            return self.middleware({k: v for k, v in (environ | host).items() if k not in left_out}, start_response)

        client = WholeClient(app, use_cookies=False)
        return client.open(f"{self.live.path}{path}", method=method, environ_overrides=given, **options)

    def json(self, path: str, method: str = "GET", **environ: Any) -> Any:
        """The JSON of an answer of 200."""
        answer = self.ask(path, method, **environ)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.data)


#: What a view answers on, below its own path.
LIVE_PATHS = ("", "/", "/all", "/good", "/bad", "/events", "/reset")


def bearer(token: str) -> dict[str, Any]:
    """The part of an environ that carries a token."""
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def is_refused(client: LiveClient, method: str = "GET", **environ: Any) -> bool:
    """Whether every path refuses, and shows nothing of an event."""
    client.send(userId="42", event="Secret")
    answers = [client.ask(path, "POST" if path == "/reset" else method, **environ) for path in LIVE_PATHS]
    assert not any("Secret" in answer.text for answer in answers)
    assert client.json("/all")["total"] > 0, "a reset went through"
    assert len({answer.status_code for answer in answers}) == 1
    return answers[0].status_code == 403  # type: ignore[no-any-return]


class LiveSite:
    """The same under Werkzeug's server on loopback.

    :ivar asked: the methods and paths below the live view that were asked for, in order.
    """

    def __init__(self, live: LiveView | None = None, **options: Any) -> None:
        self.inside = LiveClient(live, **options)
        self.asked: list[str] = []
        self.server = make_server("127.0.0.1", 0, self._app, threaded=True, request_handler=_Handler)
        self.url = f"http://localhost:{self.server.port}"
        self.page_url = f"{self.url}{self.inside.live.path}"

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(self.inside.live.path):
            self.asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        return self.inside.middleware(environ, start_response)

    def send(self, path: str = TRACK, **fields: str) -> int:
        """Send a pixel from outside of the browser; gives the status."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}?{urlencode(fields)}") as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code

    def polls(self) -> int:
        """How often the page has asked so far."""
        return sum(asked.endswith("/events") for asked in self.asked)


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def live_site(live: LiveView | None = None, **options: Any) -> Iterator[LiveSite]:
    """A site that is served until the end of the block."""
    site = LiveSite(live, **options)
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        thread.join(20)
        site.server.server_close()


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium without a window, until the end of the block."""
    with sync_playwright() as playwright, launched(playwright.chromium) as running:
        yield running


@contextmanager
def launched(kind: BrowserType, *arguments: str) -> Iterator[Browser]:
    """Another one of the same *kind*, started with *arguments*."""
    program = need("chromium", "chromium-browser", "google-chrome")
    running = kind.launch(executable_path=program, args=["--no-sandbox", *arguments])
    try:
        yield running
    finally:
        running.close()


@contextmanager
def opened(running: Browser, url: str, *, may_fail: bool = False, **options: Any) -> Iterator[Page]:
    """A page at *url* in a profile of its own. Whatever it reports as an error fails the test, unless it *may_fail*.

    :param options: of Playwright's context, such as ``color_scheme`` and ``viewport``.
    """
    faults: list[str] = []
    context = running.new_context(**options)
    context.set_default_timeout(10 * SOON)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(url)
    try:
        yield page
        assert may_fail or not faults
    finally:
        context.close()
