"""What ``drain --sink`` looks through down to the sink, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command_line import Said, run, run_here
from tests.support.processes import lines
from tests.support.spools import fill

_MODULE = """
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from pixelmw import PixelMiddleware
from pixelmw.asgi import PixelASGI
from pixelmw.delivery import Background, Spool
from pixelmw.sinks import JSONLines, Unavailable, fallback, fan_out

sink = JSONLines("out.jsonl")
other = JSONLines("other.jsonl")


def down(event):
    raise Unavailable("nobody there")


def flask(sink):
    app = Flask("shop")
    app.wsgi_app = PixelMiddleware(app.wsgi_app, sink)
    return app


class WithApplication:
    # As WhiteNoise keeps it.
    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        return self.application(environ, start_response)


class Slots:
    __slots__ = ("wsgi_app",)

    def __init__(self, wsgi_app):
        self.wsgi_app = wsgi_app

    def __call__(self, environ, start_response):
        return self.wsgi_app(environ, start_response)


class Property:
    def __init__(self, inner):
        self.__inner = inner

    @property
    def app(self):
        return self.__inner

    @property
    def application(self):
        raise RuntimeError("not outside of a request")

    def __call__(self, environ, start_response):
        return self.app(environ, start_response)


async def asgi(scope, receive, send):
    pass


plain = flask(sink)
spool = flask(Spool("spool", sink))
background = flask(Background(sink))
proxied = ProxyFix(flask(sink))
inside = flask(sink)
inside.wsgi_app = ProxyFix(inside.wsgi_app)
noise = ProxyFix(WithApplication(flask(Spool("spool", sink))))
slots = Slots(ProxyFix(flask(sink)))
prop = Property(Slots(flask(sink)))
on_asgi = PixelASGI(asgi, sink)
behind = flask(fallback(down, Spool("spool", sink)))
beside = flask(fan_out(other, Spool("spool", sink)))
both = flask(fan_out(Spool("elsewhere", other), Spool("spool", sink)))

two = WithApplication(flask(sink))
two.app = flask(other)
table = {}

without = Flask("without")
without_proxied = ProxyFix(WithApplication(Flask("without")))


def wsgi(environ, start_response):
    return []


def nothing():
    return flask(sink)
"""

_PROJECT = """
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="k")
urlpatterns = []
from django.core.wsgi import get_wsgi_application
from werkzeug.middleware.proxy_fix import ProxyFix
from pixelmw import PixelMiddleware
from pixelmw.sinks import JSONLines

handler = get_wsgi_application()
application = ProxyFix(PixelMiddleware(handler, JSONLines("out.jsonl")))
"""

FOUND = "sink plain spool background proxied inside noise slots prop on_asgi behind beside both nothing()"

Drain = Callable[..., Said]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the modules in it."""
    (tmp_path / "apps.py").write_text(_MODULE)
    (tmp_path / "project.py").write_text(_PROJECT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delitem(sys.modules, "apps", raising=False)
    monkeypatch.delenv("PIXELMW_SINK", raising=False)
    return tmp_path


@pytest.fixture
def drain(here: Path, capsys: pytest.CaptureFixture[str]) -> Drain:
    """Runs ``drain`` in this process."""
    return lambda *arguments: run_here(capsys, "drain", *arguments)


def stored(here: Path) -> list[str]:
    return [each["messageId"] for each in lines(here / "out.jsonl")]


@pytest.mark.parametrize("name", FOUND.split())
def test_the_sink_is_found_whatever_is_around_it(here: Path, drain: Drain, name: str) -> None:
    fill(here / "spool", ["1", "2"])
    said = drain("spool", f"--sink=apps:{name}")
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith("nothing is left\n")
    assert stored(here) == ["1", "2"]
    assert not (here / "other.jsonl").exists()


def test_it_is_found_in_front_of_djangos_handler(here: Path) -> None:
    fill(here / "spool", ["1", "2"])
    said = run(here, "drain", str(here / "spool"), "--sink=project:application")
    assert (said.code, said.err) == (0, "")
    assert stored(here) == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("without", "start_response"),
        ("without_proxied", "start_response"),
        ("wsgi", "start_response"),
        ("asgi", "async def"),
        ("nothing", "too many positional arguments); if it makes an application, give apps:nothing()"),
    ],
)
def test_what_is_no_sink_is_refused_at_once_and_the_events_stay(here: Path, drain: Drain, name: str, why: str) -> None:
    fill(here / "spool", ["1", "2"])
    before = sorted((here / "spool").iterdir())
    said = drain("spool", f"--sink=apps:{name}")
    assert (said.code, said.out) == (1, "")
    (line,) = said.err.splitlines()
    assert line.startswith(f"pixelmw: --sink is 'apps:{name}': that is ")
    assert "and no sink (" in line
    assert why in line
    assert sorted((here / "spool").iterdir()) == before


def test_an_application_with_two_sinks_is_refused(here: Path, drain: Drain) -> None:
    fill(here / "spool", ["1"])
    said = drain("spool", "--sink=apps:two")
    assert (said.code, said.out) == (1, "")
    assert "it has 2 PixelMiddlewares; name the sink itself" in said.err


def test_a_function_in_c_without_a_signature_is_a_sink(here: Path, drain: Drain) -> None:
    fill(here / "spool", ["1"])
    assert drain("spool", "--sink=apps:table.update").code == 0
    assert sys.modules["apps"].table["messageId"] == "1"
