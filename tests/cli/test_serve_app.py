"""``serve --app`` and ``check --app`` find the pixels of an application, whatever wraps it, and keep its rules."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command_line import ROOT, Said, fetch, run, run_here, serving

PAGE = "/pixel/v1/page?writeKey=key-of-shop&anonymousId=a"

SHOP = """
from functools import partial
from wsgiref.validate import validator

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from pixelmw import PixelMiddleware, Rejected
from pixelmw.contrib.flask import Pixels
from pixelmw.enrich import client_context
from pixelmw.sinks import JSONLines

sink = JSONLines("own.jsonl")
schema = {"required": ["name"], "properties": {"name": {"type": "string"}}}


def no_robots(event, request):
    if event["anonymousId"] == "robot":
        raise Rejected("invalid", "robots are not welcome", path="anonymousId")


rules = {
    "write_keys": {"key-of-shop": "shop"},
    "schemas": {"track": schema},
    "enrich": [client_context, no_robots],
}


def make(**options):
    app = Flask(__name__)
    app.get("/")(lambda: "the shop")
    app.wsgi_app = PixelMiddleware(app.wsgi_app, sink, **rules, **options)
    return app


class WithApplication:
    # As WhiteNoise keeps it.
    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        return self.application(environ, start_response)


def in_a_function(app):
    def wrapped(environ, start_response):
        return app(environ, start_response)
    return wrapped


flask = make()
proxied = make()
proxied.wsgi_app = ProxyFix(proxied.wsgi_app)
outer = ProxyFix(WithApplication(make()))
method = make().wsgi_app
function = in_a_function(validator(make()))
part = partial(lambda app, environ, start_response: app(environ, start_response), make())
extension = Flask("extension")
Pixels(extension, sink=sink, **rules)
mounted = DispatcherMiddleware(make(), {"/two": make()})
application = make()
without = Flask("without")
number = 5
"""

VIEWED = """
from pixelmw.live import LiveView
from shop import make

app = make(live=LiveView("/mine"))
"""

WRAPPED = ["flask", "proxied", "outer", "method", "function", "part", "extension", "mounted", "make()"]


Here = Callable[..., Said]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "viewed.py").write_text(VIEWED)
    return tmp_path


@pytest.fixture
def here(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """Runs a command in this process, in the directory of the shop."""
    monkeypatch.chdir(shop)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    return lambda *arguments: run_here(capsys, *arguments)


@pytest.mark.parametrize("name", WRAPPED)
def test_the_pixels_of_an_application_are_found_with_their_rules(here: Here, shop: Path, name: str) -> None:
    urls = [PAGE, PAGE.replace("-shop", "-mop"), PAGE.replace("=a", "=robot"), PAGE.replace("page", "track")]
    said = here("check", "--json", f"--app=shop:{name}", *urls)
    good, stranger, robot, track = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 1
    assert good["event"]["context"]["source"] == "shop"
    assert [fault["code"] for fault in stranger["faults"]] == ["unauthorized"]
    assert [fault["message"] for fault in robot["faults"]] == ["robots are not welcome"]
    assert [(fault["parameter"], fault["rule"]) for fault in track["faults"]] == [("name", "required")]
    assert not (shop / "own.jsonl").exists(), "nothing is stored"


def test_a_mounted_application_is_found_where_it_is_mounted(here: Here) -> None:
    found = json.loads(here("check", "--json", "--app=shop:mounted", f"/two{PAGE}").out)
    assert (found["accepted"], found["hints"]) == (True, [])


def test_only_a_module_may_be_named_if_its_application_has_a_usual_name(here: Here) -> None:
    assert here("check", "--app=shop", PAGE).code == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shop:without", "no PixelMiddleware is in it"),
        ("shop:number", "that is 5, and no WSGI application"),
        ("shop:missing", "has no attribute 'missing'"),
        ("nowhere:app", "No module named 'nowhere'"),
        # A name that leads elsewhere.
        ("../shop:flask", "give MODULE:NAME"),
        ("/etc/passwd", "give MODULE:NAME"),
        ("..shop:flask", "give MODULE:NAME"),
        ("shop.py:flask", "No module named 'shop.py'"),
        ("file:///tmp/shop.py", "give MODULE:NAME"),
        ("shop:flask;import os", "give MODULE:NAME"),
        ("shop:__import__('os')", "give MODULE:NAME"),
        ("os:system", "no PixelMiddleware is in it"),
        ("os:missing", "os.py)"),  # a file of one's own that is named os.py would not be imported
        ("shop:make", "if it is a factory, give shop:make()"),
        ("shop:in_a_function()", "it cannot be called without arguments"),
        ("shop\x1b[31m:flask", "give MODULE:NAME"),
        ("", "give MODULE:NAME"),
    ],
)
@pytest.mark.parametrize("command", ["serve --port=0", "check /pixel/v1/page"])
def test_a_name_that_leads_to_no_pixels_is_told_without_a_traceback(
    here: Here, command: str, name: str, words: str
) -> None:
    said = here(*command.split(), f"--app={name}")
    assert (said.code, said.out) == (1, "")
    assert words in said.err
    assert said.err.isprintable() or said.err[:-1].isprintable()


@pytest.mark.parametrize("name", ["outer", "extension", "viewed"])
def test_an_application_is_served_with_a_live_view_on_top(shop: Path, name: str) -> None:
    live = "/mine" if name == "viewed" else "/_pixelmw"
    app = "viewed" if name == "viewed" else f"shop:{name}"
    with serving(shop, f"--app={app}") as (process, address):
        if name != "extension":
            assert fetch(f"{address}/") == (200, "the shop")
        assert fetch(address + PAGE)[0] == 200
        assert fetch(address + PAGE.replace("-shop", "-mop"))[0] == 401
        assert fetch(address + PAGE.replace("=a", "=robot"))[0] == 400
        assert json.loads(fetch(f"{address}{live}/all")[1]) == {"total": 3, "good": 1, "bad": 2}
        assert fetch(f"{address}{live}")[0] == 200
        process.terminate()
        output, errors = process.communicate(timeout=20)
    first, second, third, last = output.splitlines()
    assert "stored   page" in first
    assert "refused  page unauthorized: writeKey is unknown" in second
    assert "refused  page invalid: robots are not welcome" in third
    assert last == "stopped"
    assert "the live view is on" not in errors or name == "viewed"
    (line,) = (shop / "own.jsonl").read_text().splitlines()
    assert json.loads(line)["context"]["source"] == "shop"


def test_it_says_where_the_events_go(shop: Path) -> None:
    said = run(shop, "serve", "--app=shop", "--port=0", "--timeout=0.1")
    assert said.code == 0
    assert "pixelmw serves shop, whose events go to its own sink, JSONLines('" in said.out
    said = run(shop, "serve", "--app=shop", "--port=0", "--timeout=0.1", "--db=mine.db")
    assert "whose events go to mine.db" in said.out


def test_its_events_go_to_a_database_instead(shop: Path) -> None:
    with serving(shop, "--app=shop:outer", "--db=mine.db") as (_, address):
        assert fetch(address + PAGE)[0] == 200
    assert not (shop / "own.jsonl").exists()
    with closing(sqlite3.connect(shop / "mine.db")) as connection:
        assert connection.execute("SELECT type FROM events").fetchall() == [("page",)]


def test_options_of_the_page_are_refused_beside_an_application(here: Here) -> None:
    said = here("serve", "--app=shop", "--write-key=k", "--port=0")
    assert (said.code, said.out) == (1, "")
    assert "--app has its own" in said.err


def test_drain_takes_the_sink_of_a_wrapped_application(shop: Path) -> None:
    (shop / "spool").mkdir(mode=0o700)
    (shop / "spool" / "drain.lock").touch(mode=0o600)
    said = run(shop, "drain", "spool", "--sink=shop:outer")
    assert (said.code, said.err) == (0, "")
    assert "nothing is left" in said.out


@pytest.fixture
def django_project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "examples" / "django_project", tmp_path / "site"))


def test_the_pixels_in_djangos_middleware_are_found(django_project: Path) -> None:
    said = run(django_project, "check", "--json", "--app=mysite.wsgi", PAGE, PAGE.replace("anonymousId=a", ""))
    good, bad = [json.loads(line) for line in said.out.splitlines()]
    assert (good["accepted"], bad["accepted"]) == (True, False)
    with serving(django_project, "--app=mysite.wsgi", "--db=here.db") as (_, address):
        assert fetch(address + PAGE)[0] == 200
        assert json.loads(fetch(f"{address}/_pixelmw/all")[1])["good"] == 1
    with closing(sqlite3.connect(django_project / "here.db")) as connection:
        assert connection.execute("SELECT type FROM events").fetchall() == [("page",)]


def test_a_django_project_without_the_middleware_has_no_pixels(django_project: Path) -> None:
    settings = django_project / "mysite" / "settings.py"
    settings.write_text(settings.read_text().replace('    "pixelmw.contrib.django.PixelMiddleware",', ""))
    assert "no PixelMiddleware is in it" in run(django_project, "check", "--app=mysite.wsgi", PAGE).err
