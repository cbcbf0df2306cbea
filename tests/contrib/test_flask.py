"""The Flask extension: options, contexts, Jinja and the command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest
from flask import Flask, current_app, g, render_template_string, request, session
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from pixelmw import Discard, Event, Rejected
from pixelmw.contrib.flask import Pixels
from pixelmw.delivery import Spool
from pixelmw.replies import GIF
from tests.support.processes import event

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e"
stored: list[Event] = []


def make_app(pixels: Pixels | None = None, *, config: dict[str, Any] | None = None, **options: Any) -> Flask:
    """An application with a page, and pixels."""
    app = Flask(__name__)
    app.secret_key = "no secret in tests"
    app.config.update(config or {})
    (pixels or Pixels()).init_app(app, **options)

    @app.get("/")
    def home() -> str:
        session["user"] = "u1"
        return render_template_string('{{ pixel("track", event="Opened & read", user_id=7) }}')

    app.wsgi_app = validator(app.wsgi_app)  # type: ignore[assignment,method-assign]
    return app


def client_of(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = "127.0.0.1"
    return client


def get(app: Flask, url: str = TRACK, method: str = "GET") -> int:
    """The status of one request, read to its end."""
    with client_of(app).open(url, method=method, buffered=True) as response:
        return response.status_code


# --- options ---


def test_the_test_client_sees_pixels_and_pages() -> None:
    events: list[Event] = []
    app = make_app(sink=events.append)
    with client_of(app).get(TRACK, buffered=True) as response:
        assert (response.status_code, response.data) == (200, GIF)
    assert get(app, "/") == 200
    assert [each["event"] for each in events] == ["e"]


def test_one_pixels_serves_many_applications() -> None:
    """https://github.com/not-kennethreitz/flask-sslify/issues/1, dusktreader/flask-praetorian/issues/288"""
    pixels, first, second = Pixels(reply="ok"), [], []  # type: ignore[var-annotated]
    apps = [make_app(pixels, sink=first.append), make_app(pixels, sink=second.append, reply="gif")]
    for app, content_type in zip(apps, ("text/plain; charset=utf-8", "image/gif"), strict=True):
        with client_of(app).get(TRACK, buffered=True) as response:
            assert response.content_type == content_type
    assert (len(first), len(second)) == (1, 1)


def test_options_may_stand_in_the_configuration_and_what_is_given_counts_first() -> None:
    stored.clear()
    config = {"PIXELMW_SINK": f"{__name__}.stored.append", "PIXELMW_WRITE_KEYS": ["k"], "PIXELMW_REPLY": "ok"}
    app = make_app(config=config, reply="gif")
    assert get(app) == 200
    assert get(app, TRACK.replace("=k", "=x")) == 401
    assert len(stored) == 1
    assert app.extensions["pixelmw"].collector.stats() == {"accepted": 1, "unauthorized": 1}


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        pytest.param({}, TypeError, "give sink=, or set PIXELMW_SINK", id="no sink"),
        pytest.param({"sink": print, "write_key": " "}, ValueError, "write_key", id="a blank key"),
        pytest.param({"sink": print, "replies": "ok"}, ValueError, "replies is .*; did you mean reply", id="misspelt"),
        pytest.param({"sink": print, "config": {"PIXELMW_REPLIE": 1}}, ValueError, "mean PIXELMW_REPLY", id="config"),
        pytest.param({"sink": print, "colour": 1}, ValueError, "known are sink, paths", id="unknown"),
        pytest.param({"sink": print, "enrich": print}, TypeError, "list of callables", id="a single enricher"),
        pytest.param({"sink": print, "enrich": ["nowhere.x"]}, ImportError, "nowhere", id="a path to nowhere"),
        pytest.param({"sink": "pixelmw.nothing"}, ImportError, "nothing at", id="a name that is not there"),
        pytest.param({"sink": print, "reply": "png"}, ValueError, "known are gif", id="an unknown reply"),
    ],
)
def test_a_mistake_is_told_at_once(options: dict[str, Any], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        make_app(**options)


def test_an_application_is_wrapped_once() -> None:
    app = Flask(__name__)
    Pixels(app, sink=print)
    with pytest.raises(RuntimeError, match="has pixels already"):
        Pixels(app, sink=print)


# --- contexts ---


def test_enrichers_and_sink_have_the_session_and_the_application() -> None:
    seen: list[Any] = []

    def add_user(event: Event, werkzeug_request: Any) -> None:
        event["userId"] = session["user"]
        g.seen = request.args["event"]

    def sink(event: Event) -> None:
        seen.append((event["userId"], g.seen, current_app.name))

    app = make_app(sink=sink, enrich=[add_user])
    client = client_of(app)
    client.get("/", buffered=True).close()
    client.get(TRACK, buffered=True).close()
    assert seen == [("u1", "e", __name__)]


def test_write_keys_and_on_reject_have_the_application() -> None:
    seen: list[str] = []

    def source_of(key: str) -> str | None:
        seen.append(current_app.name)
        return None

    app = make_app(sink=print, write_keys=source_of, on_reject=lambda refusal: seen.append(current_app.name))
    assert get(app) == 401
    assert get(app, method="POST") == 405
    assert seen == [__name__] * 3


def test_any_byte_of_a_query_may_be_read_from_flasks_request() -> None:
    seen: list[str] = []
    app = make_app(sink=print, enrich=[lambda event, request: seen.append(current_request().args["x"])])
    options: dict[str, Any] = {"environ_overrides": {"QUERY_STRING": "writeKey=k&anonymousId=a&event=e&x=\xff%C3%A9"}}
    with client_of(app).get("/pixel/v1/track", buffered=True, **options) as response:
        assert response.status_code == 200
    assert seen == ["%FFé"]


def current_request() -> Any:
    return request


@pytest.mark.parametrize("fault", [Discard(), Rejected("invalid", "no"), ValueError("no")], ids=repr)
def test_the_contexts_are_left_and_torn_down_whatever_happens(fault: Exception) -> None:
    torn: list[str] = []

    def enricher(event: Event, request: Any) -> None:
        raise fault

    app = make_app(sink=print, enrich=[enricher])
    app.teardown_request(lambda error: torn.append("request"))
    app.teardown_appcontext(lambda error: torn.append("application"))
    get(app)
    assert torn == ["request", "application"]
    with pytest.raises(RuntimeError, match="outside of"):
        _ = current_app.name


def test_a_fault_in_a_teardown_is_logged_and_changes_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(sink=print)

    @app.teardown_appcontext
    def fails(error: BaseException | None) -> None:
        raise ZeroDivisionError

    assert get(app) == 200
    assert "ZeroDivisionError" in caplog.text


def test_a_session_that_cannot_be_opened_is_a_fault_of_an_enricher(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(SecureCookieSessionInterface):
        def open_session(self, app: Flask, request: Any) -> None:
            raise OSError("the store of sessions is down")

    app = make_app(sink=print)
    app.session_interface = Broken()
    assert get(app) == 503
    assert app.extensions["pixelmw"].collector.stats() == {"unavailable": 1}
    assert "the store of sessions is down" in caplog.text


# --- Jinja ---


def test_the_tag_of_a_page_is_a_pixel_of_the_application() -> None:
    events: list[Event] = []
    app = make_app(sink=events.append, config={"PIXELMW_WRITE_KEY": "web"})
    with client_of(app).get("/", buffered=True) as page:
        found = re.fullmatch(r'<img src="(/[^"]+)" alt="" width="1" height="1" [^>]*>', page.get_data(as_text=True))
    assert found
    assert get(app, unescape(found[1])) == 200
    assert (events[0]["event"], events[0]["userId"]) == ("Opened & read", "7")


def test_a_url_begins_where_the_application_is_mounted() -> None:
    app = make_app(sink=print, write_key="web")
    mounted = Client(DispatcherMiddleware(Flask("outside"), {"/shop": app}))
    with mounted.get("/shop/", environ_base={"REMOTE_ADDR": "127.0.0.1"}, buffered=True) as page:
        assert 'src="/shop/pixel/v1/track?' in page.get_data(as_text=True)
    with app.app_context():
        assert render_template_string('{{ pixel_url("page") }}') == "/pixel/v1/page?writeKey=web"
    app = make_app(sink=print, write_key="web", base_url="https://px.example/p", config={"APPLICATION_ROOT": "/x"})
    with app.app_context():
        assert render_template_string('{{ pixel_url("page") }}') == "https://px.example/p/pixel/v1/page?writeKey=web"


# --- the command ---


@contextmanager
def spooled(directory: Path) -> Iterator[str]:
    """A spool with an event that nobody has forwarded."""

    def nowhere(event: Event) -> None:
        raise OSError("down")

    with Spool(directory, nowhere) as spool:
        spool(event("1"))
    yield str(directory)


def test_flask_pixelmw_is_the_command_line_with_the_sink_of_the_application(tmp_path: Path) -> None:
    events: list[Event] = []
    app = make_app(sink=lambda event: events.append({**event, "in": current_app.name}))
    with spooled(tmp_path / "spool") as spool:
        result = app.test_cli_runner().invoke(args=["pixelmw", "drain", spool])
    assert result.exit_code == 0
    assert [(each["messageId"], each["in"]) for each in events] == [("1", app.name)]
    result = app.test_cli_runner().invoke(args=["pixelmw", "--help"])
    assert (result.exit_code, "serve" in result.output) == (0, True)
    assert app.test_cli_runner().invoke(args=["pixelmw", "drain"]).exit_code == 2
