"""``flask pixelmw`` and ``manage.py pixelmw`` have every command, with the application as what they work on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import ROOT, environment

SHOP = """
from flask import Flask
from pixelmw.contrib.flask import Pixels

app = Flask(__name__)
Pixels(app, sink=[].append, write_keys={"key-of-shop": "shop"})
"""
URL = "/pixel/v1/page?writeKey={}&anonymousId=a"


@pytest.fixture(params=["flask", "django"])
def command(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[list[str], Path]:
    """What runs a command, and where."""
    if request.param == "flask":
        (tmp_path / "app.py").write_text(SHOP)
        return ["-m", "flask", "pixelmw"], tmp_path
    site = Path(shutil.copytree(ROOT / "examples" / "django_project", tmp_path / "site"))
    settings = site / "mysite" / "settings.py"
    settings.write_text(f'{settings.read_text()}\nPIXELMW["WRITE_KEYS"] = {{"key-of-shop": "shop"}}\n')
    return ["manage.py", "pixelmw"], site


def said(command: tuple[list[str], Path], *arguments: str) -> tuple[int, str, str]:
    words, directory = command
    ended = subprocess.run(
        [sys.executable, *words, *arguments],
        cwd=directory,
        text=True,
        capture_output=True,
        timeout=60,
        env=environment(directory),
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_check_goes_by_the_rules_of_the_application(command: tuple[list[str], Path]) -> None:
    code, output, errors = said(command, "check", "--json", URL.format("key-of-shop"), URL.format("another"))
    good, bad = [json.loads(line) for line in output.splitlines()]
    assert (code, errors) == (1, "")
    assert good["event"]["context"]["source"] == "shop"
    assert [fault["code"] for fault in bad["faults"]] == ["unauthorized"]


def test_serve_serves_the_application(command: tuple[list[str], Path]) -> None:
    code, output, _ = said(command, "serve", "--port", "0", "--timeout", "0.2")
    assert code == 0
    assert "whose events go to its own sink" in output


def test_every_command_is_offered(command: tuple[list[str], Path]) -> None:
    code, output, _ = said(command, "--", "--help")
    assert code == 0
    assert "{serve,check,tail,drain,link,plan}" in output
    missing = said(command, "tail", "missing.db")
    assert (missing[0], "missing.db" in missing[2]) == (1, True)
