"""The live view in every shell: WSGI, ASGI, Django's MIDDLEWARE under both, and Flask."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pixelmw import Collector
from pixelmw.asgi import PixelASGI
from pixelmw.contrib.flask import Pixels
from pixelmw.endpoint import PixelEndpoint
from pixelmw.live import LiveView
from tests.support import shells
from tests.support.asgi import as_wsgi
from tests.support.live_site import HERE, TRACK, LiveClient, names_of
from tests.support.pixel import Pixel, WholeClient, no_matter
from tests.support.shells import DjangoPixel, asgi_host

shell = shells.shell


def ask(site: Any, path: str, method: str = "GET", **options: Any) -> Any:
    environ = HERE | options.pop("environ", {})
    return site.client.open(f"/_pixelmw{path}", method=method, environ_overrides=environ, **options)


def live_of(kind: type[Pixel]) -> Any:
    """What the argument is, or in Django the setting."""
    return "pixelmw.live.LiveView" if issubclass(kind, DjangoPixel) else LiveView()


def test_every_shell_serves_it(shell: type[Pixel]) -> None:
    site = shell(live=live_of(shell), write_keys="optional")
    site.get(TRACK, "userId=1&event=a")
    site.get(TRACK, "userId=1&event=b")
    site.get(TRACK, "userId=1")
    assert json.loads(ask(site, "/all").data) == {"total": 3, "good": 2, "bad": 1}
    page = ask(site, "")
    assert b"<title>Live pixels</title>" in page.data
    assert "script-src 'sha256-" in page.headers["Content-Security-Policy"]
    assert names_of(json.loads(ask(site, "/good", "POST", json={"event": "b"}).data)) == ["b"]
    assert ask(site, "/good", "POST", data="[" * 70_000).status_code == 400
    assert (ask(site, "", "HEAD").status_code, ask(site, "", "HEAD").data) == (200, b"")
    assert json.loads(ask(site, "/reset", "POST").data) == {"total": 0, "good": 0, "bad": 0}


def test_every_shell_guards_it(shell: type[Pixel]) -> None:
    site = shell(live=live_of(shell), write_keys="optional")
    for environ in (
        {"REMOTE_ADDR": "10.0.0.1"},
        {"HTTP_HOST": "evil.example"},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"SERVER_PROTOCOL": "HTTP/1.0"},
    ):
        assert ask(site, "/all", environ=environ).status_code == 403


def test_every_shell_keeps_its_other_paths(shell: type[Pixel]) -> None:
    site = shell(live=live_of(shell), write_keys="optional")
    assert b"the host application" in ask(site, "/other").data


def test_in_django_it_may_be_a_class() -> None:
    site = DjangoPixel(live=LiveView, write_keys="optional")
    assert json.loads(ask(site, "/all").data)["total"] == 0
    DjangoPixel.forget()


class TooMuch(Exception):
    """What a shell raises that can make no other call now."""


def test_a_shell_that_can_make_no_other_call_answers_nevertheless() -> None:
    endpoint = PixelEndpoint(Collector(lambda event: None), live=LiveView())
    request = {"PATH_INFO": "/_pixelmw/all", "REQUEST_METHOD": "GET", "SERVER_PROTOCOL": "HTTP/1.1"}
    steps = endpoint.steps(endpoint.names["/_pixelmw/all"], HERE | request)
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.throw(TooMuch())
    assert b'"total":0' in b"".join(end.value.value({}, no_matter))


def test_a_body_in_pieces_is_read_as_one_and_a_body_in_chunks_by_wsgi_is_refused() -> None:
    received = [
        {"type": "http.request", "body": b'{"event"', "more_body": True},
        {"type": "http.request", "body": b': "b"}', "more_body": False},
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return received.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    app = PixelASGI(asgi_host, lambda event: None, write_keys="optional", live=LiveView())
    client = WholeClient(as_wsgi(app), use_cookies=False)
    for event in ("a", "b"):
        client.get(TRACK, query_string=f"userId=1&event={event}")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/_pixelmw/good",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"transfer-encoding", b"chunked")],
        "client": ("127.0.0.1", 1),
    }
    asyncio.run(app(scope, receive, send))
    assert names_of(json.loads(sent[1]["body"])) == ["b"]
    by_wsgi = LiveClient().ask("/good", "POST", HTTP_TRANSFER_ENCODING="chunked")
    assert (by_wsgi.status_code, "Content-Length" in by_wsgi.text) == (400, True)


def flask_client(**options: Any) -> FlaskClient:
    app = Flask(__name__)
    app.config.update(options.pop("config", {}))
    Pixels(app, sink=lambda event: None, write_keys="optional", **options)
    client = app.test_client()
    client.environ_base |= HERE
    return client


@pytest.mark.parametrize(
    "options",
    [{"live": LiveView()}, {"config": {"PIXELMW_LIVE": "pixelmw.live.LiveView"}}],
    ids=["argument", "config"],
)
def test_flask_serves_it(options: dict[str, Any]) -> None:
    client = flask_client(**options)
    client.get(TRACK, query_string={"userId": "1", "event": "a"})
    client.get(TRACK)
    assert client.get("/_pixelmw/all").json == {"total": 2, "good": 1, "bad": 1}
    assert client.post("/_pixelmw/good", json={"event": "b"}).json == []
    assert client.get("/_pixelmw/all", headers={"X-Real-IP": "127.0.0.1"}).status_code == 403
    assert client.get("/other").status_code == 404
