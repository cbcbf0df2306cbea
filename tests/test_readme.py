"""What README.rst says is true: its code runs, its output is its output, its set-up is two commands."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from pixelmw import errors
from tests.support.pixel import host_app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.rst").read_text(encoding="utf-8")


def blocks(language):
    """The code blocks of the README in one language."""
    found = re.findall(rf"\.\. code-block:: {language}\n\n((?:(?: {{4}}.*)?\n)+)", README)
    return [textwrap.dedent(block).strip() for block in found]


def steady(text):
    """*text* without what differs from run to run: times, ids, versions and line breaks."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", text)
    return re.sub(r"\s+", " ", re.sub(r"Werkzeug/[\d.]+", "Werkzeug", text)).strip()


def test_the_first_example_prints_what_stands_below_it():
    run = subprocess.run([sys.executable, "-W", "error", "-c", blocks("python")[0]], text=True, capture_output=True)
    assert run.returncode == 0, run.stderr
    assert steady(run.stdout) == steady(blocks("text")[0])


@pytest.mark.parametrize("number", range(1, len(blocks("python"))))
def test_every_other_example_runs(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # What the examples register does not stay for other tests.
    monkeypatch.setattr("prometheus_client.REGISTRY", CollectorRegistry())
    from pixelmw import PixelMiddleware, delivery

    class app:  # noqa: N801 - what the examples call it, of a WSGI application and of a Flask one
        wsgi_app = staticmethod(host_app)

        def __new__(cls, environ, start_response):
            return host_app(environ, start_response)

    names = {"PixelMiddleware": PixelMiddleware, "app": app, "sink": print, "sources": {}}
    names |= {name: getattr(delivery, name) for name in delivery.__all__}
    names |= {"refused": [], "get_wsgi_application": lambda: host_app}
    exec(compile(blocks("python")[number], f"README example {number}", "exec"), names)


def test_there_are_exactly_two_set_up_commands_each_of_one_line():
    commands = blocks("sh")
    assert len(commands) == 2
    assert all("\n" not in command for command in commands)
    assert commands[0].endswith("-m pixelmw serve")
    assert commands[1].endswith("-m pytest -n 2 --dist worksteal")


@pytest.mark.parametrize(("code", "status"), errors.STATUS_OF_CODE.items())
def test_the_contract_table_has_every_code_with_its_status(code, status):
    assert re.search(rf"``{code}`` +{status} ", README)


def test_the_changes_begin_with_this_version():
    from pixelmw import __version__

    changes = (ROOT / "CHANGES.rst").read_text(encoding="utf-8")
    assert re.search(r"^(\d\S*)", changes, re.MULTILINE)[1] == __version__
