"""Pixels in the tests of a project whose test database is in memory, as SQLite's is where no file is named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = """
import threading
from urllib.request import urlopen

from django.db import connection
from django.test import LiveServerTestCase, TransactionTestCase, override_settings

from pixelmw.contrib.django import ModelSink
from pixelmw.contrib.django.models import PixelEvent
from pixelmw.delivery import Background
from pixelmw.sinks import fan_out

TRACK = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e&messageId="


def from_threads(send):
    threads = [threading.Thread(target=send, args=[number]) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class InMemory(LiveServerTestCase):
    def test_a_background_stores_beside_a_sink(self):
        # The first has a connection of its own, the others share that of the test.
        assert "mode=memory" in str(connection.settings_dict["NAME"])
        dead = []
        background = Background(ModelSink(), max_delay=0, dead_letter=dead.append)
        both = fan_out(renamed(background), ModelSink())

        def send(number):
            for part in range(30):
                urlopen(f"{self.live_server_url}{TRACK}{number}-{part}").close()

        with override_settings(PIXELMW={"SINK": both}):
            from_threads(send)
        assert background.flush(20)
        background.close()
        assert (PixelEvent.objects.count(), dead) == (960, [])


def renamed(sink):
    return lambda event: sink({**event, "messageId": f"background-{event['messageId']}"})


class Threads(TransactionTestCase):
    def test_threads_with_connections_of_their_own_store_at_once(self):
        errors = []

        def store(number):
            try:
                for part in range(30):
                    sink({"messageId": f"{number}-{part}"})
            except Exception as error:
                errors.append(error)

        sink = ModelSink()
        from_threads(store)
        assert (PixelEvent.objects.count(), errors) == (480, [])
"""


@pytest.mark.slow
def test_no_event_is_lost_or_refused(tmp_path: Path) -> None:
    project = Path(shutil.copytree(ROOT / "examples" / "django_project", tmp_path / "project"))
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
    assert "Ran 2 tests" in run.stderr
