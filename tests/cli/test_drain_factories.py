"""``drain --sink`` with the factory of an application, which can be called with one event as well: no event is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import enter_with_module, run_here
from tests.support.processes import lines
from tests.support.spools import fill, waiting

_MODULE = """
from flask import Flask

from pixelmw import PixelMiddleware
from pixelmw.delivery import Spool
from pixelmw.sinks import JSONLines

sink = JSONLines("out.jsonl")


def create_app(test_config=None):
    app = Flask(__name__)
    if test_config is not None:
        app.config.from_mapping(test_config)
    app.wsgi_app = PixelMiddleware(app.wsgi_app, Spool("spool", sink))
    return app


def needs_config(config):
    return create_app(config)


class Site:
    # Not to be called itself, as a framework's object that only holds the application.
    def __init__(self, app):
        self.app = app


def holder(config=None):
    return Site(PixelMiddleware(lambda environ, start_response: [], sink))


def returns_something(event):
    sink(event)
    return {"stored": event["messageId"]}


class Fluent:
    sinks = None

    def __call__(self, event):
        sink(event)
        return self


fluent = Fluent()
in_a_spool = Spool("spool", create_app)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the module in it, and a spool of three events."""
    enter_with_module(monkeypatch, tmp_path, "factories", _MODULE)
    fill(tmp_path / "spool", ["1", "2", "3"])
    return tmp_path


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("create_app", "give factories:create_app()"),
        ("holder", "give factories:holder()"),
        ("needs_config", "name the sink itself"),
        ("in_a_spool", "name the sink itself"),
    ],
)
@pytest.mark.parametrize("option", ["--timeout=20", "--follow"])
def test_a_factory_takes_no_event_and_the_remedy_is_named(
    here: Path, capsys: pytest.CaptureFixture[str], name: str, remedy: str, option: str
) -> None:
    said = run_here(capsys, "drain", "spool", f"--sink=factories:{name}", option)
    assert (said.code, said.out) == (1, "")
    line = said.err.splitlines()[-1]
    assert line.startswith(f"pixelmw: --sink is 'factories:{name}': that is <function ")
    assert ", and no sink (a call of it stores nothing: it returns an application, <" in line
    assert line.endswith(f"): {remedy}")
    assert waiting(here / "spool") == ["1", "2", "3"]
    assert not (here / "spool" / "dead").exists()


@pytest.mark.parametrize("name", ["create_app()", "holder()", "returns_something", "fluent"])
def test_what_the_remedy_names_takes_them(here: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    said = run_here(capsys, "drain", "spool", f"--sink=factories:{name}")
    assert (said.code, said.err) == (0, "")
    assert [each["messageId"] for each in lines(here / "out.jsonl")] == ["1", "2", "3"]
