"""The examples for Django and Flask run as their users would run them."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from html import unescape
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.support.ports import free_port
from tests.support.processes import wait_until
from tests.support.servers import exchange, request

EXAMPLES = Path(__file__).parents[1] / "examples"
ROOT = EXAMPLES.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project."""
    return Path(shutil.copytree(EXAMPLES / "django_project", tmp_path / "django_project"))


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def manage(project: Path, *arguments: str) -> str:
    """Run ``manage.py``, with warnings as errors, and return what it printed."""
    command = [sys.executable, "-W", "error", "manage.py", *arguments]
    run = subprocess.run(command, cwd=project, env=environment(), text=True, capture_output=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout + run.stderr


def test_the_django_project_has_at_most_six_lines_for_pixels(project: Path) -> None:
    settings = (project / "mysite" / "settings.py").read_text(encoding="utf-8")
    assert 0 < len([line for line in settings.splitlines() if "# pixels" in line]) <= 6


@pytest.mark.slow
def test_the_django_project_passes_its_checks_and_its_own_tests(project: Path) -> None:
    """Its test database is in memory, and its threads share it."""
    assert "no issues" in manage(project, "check")
    assert "No changes" in manage(project, "makemigrations", "--check")
    assert "Ran 3 tests" in manage(project, "test")


def test_the_django_project_serves_a_page_and_stores_its_pixel(project: Path) -> None:
    manage(project, "migrate")
    port = free_port()
    command = [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, cwd=project, env=environment(), stderr=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: answers(port))
            page = fetch(f"http://127.0.0.1:{port}/").decode()
            found = re.search(r'<img src="http://127\.0\.0\.1:8000([^"]+)"', page)
            assert found
            assert fetch(f"http://127.0.0.1:{port}{unescape(found[1])}")[:3] == b"GIF"
        finally:
            server.terminate()
    with closing(sqlite3.connect(project / "db.sqlite3")) as database:
        assert database.execute("SELECT type FROM pixelmw_pixelevent").fetchall() == [("page",)]


def fetch(url: str) -> bytes:
    with urlopen(url) as answer:
        return bytes(answer.read())


def answers(port: int) -> bool:
    try:
        return bool(exchange(port, request("GET", "/")))
    except OSError:
        return False


FACTORY = """
import re
from html import unescape
from flask_factory import create_app, pixels
client = create_app().test_client()
page = client.get("/").get_data(as_text=True)
print(client.get(unescape(re.search('src="(.*?)"', page)[1]), buffered=True).status_code)
"""


def test_the_flask_factory_serves_a_page_and_stores_its_pixel_with_the_session(tmp_path: Path) -> None:
    database = tmp_path / "events.db"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", FACTORY],
        cwd=EXAMPLES,
        env=environment() | {"EVENTS_DB": str(database)},
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert run.stdout == "200\n", run.stderr
    with closing(sqlite3.connect(database)) as connection:
        ((plan,),) = connection.execute("SELECT json_extract(body, '$.properties.plan') FROM events").fetchall()
    assert plan == "free"
