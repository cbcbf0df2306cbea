"""The live view in Django's MIDDLEWARE, under WSGI and ASGI, and in Flask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pixelmw.contrib.flask import Pixels
from pixelmw.live import LiveView
from tests.support.live_site import HERE, TRACK
from tests.support.shells import SHELLS, DjangoPixel


@pytest.fixture(params=["Django-WSGI", "Django-ASGI"])
def django(request: pytest.FixtureRequest) -> Iterator[type[DjangoPixel]]:
    """A project of each kind; it takes the options of the setting."""
    kind = SHELLS[request.param]
    assert issubclass(kind, DjangoPixel)
    yield kind
    DjangoPixel.forget()


def ask(site: Any, path: str, method: str = "GET", **options: Any) -> Any:
    environ = HERE | options.pop("environ", {})
    return site.client.open(f"/_pixelmw{path}", method=method, environ_overrides=environ, **options)


@pytest.mark.parametrize("live", ["pixelmw.live.LiveView", LiveView], ids=["dotted", "class"])
def test_django_serves_it(django: type[DjangoPixel], live: Any) -> None:
    site = django(live=live, write_keys="optional")
    site.get(TRACK, "userId=1&event=a")
    site.get(TRACK, "userId=1&event=b")
    site.get(TRACK, "userId=1")
    assert json.loads(ask(site, "/all").data) == {"total": 3, "good": 2, "bad": 1}
    page = ask(site, "")
    assert b"<title>Live pixels</title>" in page.data
    assert "script-src 'sha256-" in page.headers["Content-Security-Policy"]
    assert [entry["event"]["event"] for entry in json.loads(ask(site, "/good", "POST", json={"event": "b"}).data)] == [
        "b"
    ]
    assert json.loads(ask(site, "/reset", "POST").data) == {"total": 0, "good": 0, "bad": 0}


def test_django_guards_it(django: type[DjangoPixel]) -> None:
    site = django(live=LiveView(), write_keys="optional")
    for environ in (
        {"REMOTE_ADDR": "10.0.0.1"},
        {"HTTP_HOST": "evil.example"},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"SERVER_PROTOCOL": "HTTP/1.0"},
    ):
        assert ask(site, "/all", environ=environ).status_code == 403


def test_django_keeps_its_other_paths(django: type[DjangoPixel]) -> None:
    site = django(live=LiveView(), write_keys="optional")
    assert b"the host application" in ask(site, "/other").data


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
