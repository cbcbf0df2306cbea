"""The live view under the servers that people develop with, over real sockets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import Answer, exchange, parse, running

pytestmark = pytest.mark.slow

ASGI_SERVERS = ("uvicorn", "hypercorn")
GUNICORN = ("gunicorn-sync", "gunicorn-gthread", "gunicorn-gevent")
SERVERS = (*GUNICORN, "waitress", "uwsgi", "werkzeug", "wsgiref", *ASGI_SERVERS)
WSGI, ASGI = "tests.support.live_app:application", "tests.support.live_app:asgi_application"
FILTER = b'{"event": "a"}'


def app_of(server: str) -> str:
    return ASGI if server in ASGI_SERVERS else WSGI


@pytest.fixture(scope="module", params=SERVERS)
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that runs."""
    directory = tmp_path_factory.mktemp(request.param)
    with running(request.param, app_of(request.param), directory) as port:
        yield port


def ask(port: int, target: str, *headers: str, method: str = "GET", version: str = "1.1", body: bytes = b"") -> Answer:
    lines = [f"{method} {target} HTTP/{version}", *headers, "Connection: close", f"Content-Length: {len(body)}"]
    if not any(line.startswith("Host:") for line in headers):
        lines.insert(1, f"Host: localhost:{port}")
    return parse(exchange(port, "\r\n".join([*lines, "", ""]).encode() + body))


def test_this_machine_sees_its_events(port: int) -> None:
    ask(port, "/_pixelmw/reset", method="POST")
    for event in ("a", "b", ""):
        ask(port, f"/pixel/v1/track?writeKey=k&userId=1&event={event}")
    assert json.loads(ask(port, "/_pixelmw/all").body) == {"total": 3, "good": 2, "bad": 1}
    filtered = ask(port, "/_pixelmw/good", "Content-Type: application/json", method="POST", body=FILTER)
    assert [entry["event"]["event"] for entry in json.loads(filtered.body)] == ["a"]
    page = ask(port, "/_pixelmw")
    assert b"<title>Live pixels</title>" in page.body
    assert int(page.headers["Content-Length"]) == len(page.body)


@pytest.mark.parametrize(
    "header", ["Host: evil.example", "Via: 1.1 a", "Sec-Fetch-Site: cross-site", "Origin: http://a"]
)
def test_others_do_not(port: int, header: str) -> None:
    assert ask(port, "/_pixelmw/all", header).status == 403


@pytest.mark.parametrize("server", [server.replace("waitress", "waitress-leaving") for server in SERVERS])
def test_whoever_comes_through_a_proxy_does_not(server: str, tmp_path: Path) -> None:
    with running(server, app_of(server), tmp_path) as port:
        assert ask(port, "/_pixelmw/all", "X-Forwarded-For: 127.0.0.1").status == 403


def test_nginx_by_default_does_not(port: int) -> None:
    assert ask(port, "/_pixelmw/all", version="1.0").status == 403


def test_each_worker_has_a_view_of_its_own(tmp_path: Path) -> None:
    with running("gunicorn-preload", WSGI, tmp_path) as port:
        views: Counter[str] = Counter()
        for _ in range(200):
            ask(port, "/pixel/v1/track?writeKey=k&userId=1&event=a")
            views[json.loads(ask(port, "/_pixelmw/events").body)["view"]] += 1
            if len(views) == 2:
                break
        assert len(views) == 2
