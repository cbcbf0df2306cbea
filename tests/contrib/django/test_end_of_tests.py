"""The end of a project's test run: Django drops the test database, and a sink's thread must not be connected to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import backends, databases
from tests.support.databases import with_server
from tests.support.django_databases import entry_for

server = databases.server
ROOT = Path(__file__).parents[3]
SETTINGS = """
DATABASES = {"default": %r}
PIXELMW = {"SINK": "newsletter.sinks.%s"}
"""
SINKS = """
import tempfile

from pixelmw.contrib.django import ModelSink
from pixelmw.delivery import Background, Spool

background = Background(ModelSink(), max_delay=0)
spool = Spool(tempfile.mkdtemp(), ModelSink())
"""
TESTS = """
from urllib.request import urlopen

from django.test import LiveServerTestCase, TestCase, TransactionTestCase

from pixelmw.contrib.django import project
from pixelmw.contrib.django.models import PixelEvent

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e&messageId="


class Committed(TransactionTestCase):
    def test_pixels_are_stored(self):
        for number in range(5):
            assert self.client.get(f"{TRACK}{number}").status_code == 200
        assert project.sink.flush(10)
        assert PixelEvent.objects.count() == 5

    async def test_pixels_of_the_async_client_are_stored(self):
        for number in range(5):
            assert (await self.async_client.get(f"{TRACK}{number}")).status_code == 200
        assert project.sink.flush(10)
        assert await PixelEvent.objects.acount() == 5


class OnAServer(LiveServerTestCase):
    def test_pixels_are_stored(self):
        for number in range(5):
            assert urlopen(f"{self.live_server_url}{TRACK}{number}").status == 200
        assert project.sink.flush(10)
        assert PixelEvent.objects.count() == 5


class InATransaction(TestCase):
    def test_a_pixel_is_accepted(self):
        assert self.client.get(f"{TRACK}1").status_code == 200
        assert project.sink.flush(10)
"""


@pytest.mark.slow
@with_server
@pytest.mark.parametrize("sink", ["spool", "background"])
def test_the_test_database_is_dropped(server: tuple[str, backends.Backend | None], sink: str, tmp_path: Path) -> None:
    """https://github.com/django/django/pull/7096: a thread that was left connected kept it."""
    project = Path(shutil.copytree(ROOT / "examples" / "django_project", tmp_path / "project"))
    entry = entry_for(server[1], tmp_path, CONN_MAX_AGE=None)
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write(SETTINGS % (entry, sink))
    (project / "mysite" / "__init__.py").write_text("import pymysql\n\npymysql.install_as_MySQLdb()\n")
    (project / "newsletter" / "sinks.py").write_text(SINKS)
    (project / "newsletter" / "tests.py").write_text(TESTS)
    run = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "test"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        text=True,
        capture_output=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
    assert "Ran 4 tests" in run.stderr
