"""Each example runs: as a file, in an interpreter of its own, driven from outside."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
URL = "/pixel/v1/page?writeKey=key-of-the-site&anonymousId=a&name=Home"
VISIT = """
import sys
from werkzeug.test import Client
import {module}
for url in sys.argv[1:]:
    response = Client({module}.{application}).get(url, buffered=True)
    print(response.status_code, response.content_type, len(response.data))
"""


def python(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python among the examples, with warnings as errors, and return what it printed."""
    command = [sys.executable, "-W", "error", *arguments]
    environment = {**os.environ, **variables}
    result = subprocess.run(command, cwd=EXAMPLES, env=environment, text=True, capture_output=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result


def visit(module: str, application: str, *urls: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return python("-c", VISIT.format(module=module, application=application), *urls, **variables)


def test_the_flask_application_serves_its_page_and_stores_its_pixel(tmp_path: Path) -> None:
    database = tmp_path / "events.db"
    result = visit("flask_app", "app.wsgi_app", "/", URL, EVENTS_DB=str(database))
    page, pixel = result.stdout.splitlines()
    assert page.startswith("200 text/html")
    assert pixel == "200 image/gif 43"
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT type, anonymous_id FROM events").fetchall() == [("page", "a")]


def test_the_django_project_serves_its_page_and_stores_its_pixel(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    result = visit("django_app", "application", "/", URL, EVENTS_FILE=str(file))
    page, pixel = result.stdout.splitlines()
    assert page.startswith("200 text/html")
    assert pixel == "200 image/gif 43"
    (line,) = file.read_text().splitlines()
    assert json.loads(line)["name"] == "Home"


def test_the_bare_application_logs_its_events_with_their_source() -> None:
    result = visit("bare_wsgi", "application", "/", URL, URL.replace("-site", "-wrong"))
    assert result.stdout.splitlines() == ["200 text/plain 6", "200 image/gif 43", "401 image/gif 43"]
    logged = [line for line in result.stderr.splitlines() if line.startswith("INFO:events:")]
    (event,) = [json.loads(line.removeprefix("INFO:events:")) for line in logged]
    assert event["context"]["source"] == "site"
    assert "WARNING:pixelmw.requests:refused a page event: unauthorized at writeKey" in result.stderr


@pytest.mark.slow
def test_the_tests_of_the_custom_sink_pass() -> None:
    result = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "custom_sink.py")
    assert "4 passed" in result.stdout


def test_the_custom_schema_types_what_it_accepts_and_says_what_it_refuses() -> None:
    accepted, _, refused = python("custom_schema.py").stdout.partition("refused: ")
    assert "'total': 19.9" in accepted
    assert "'express': True" in accepted
    assert "'products': [{'quantity': 2}, {'quantity': 1}]" in accepted
    assert refused == 'properties.total must be of type "number"; it is "much"\n'


@pytest.mark.parametrize("example", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_every_example_has_a_test(example: str) -> None:
    tests = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_examples*.py")]
    assert example.removesuffix(".py") in "".join(tests)
