"""The example with a live view runs, and shows what its page sends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
VISIT = """
import re
from html import unescape
from werkzeug.test import Client
import live_view
client = Client(live_view.app.wsgi_app)
here = {"environ_overrides": {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:5000"}}
for url in re.findall('src="(.*?)"', client.get("/", **here).text):
    client.get(unescape(url), **here)
print(client.get("/_pixelmw/events", **here).text)
"""


def test_live_view_shows_the_event_that_was_stored_and_the_one_that_was_refused(tmp_path: Path) -> None:
    environ = os.environ | {"EVENTS_DB": str(tmp_path / "events.db")}
    command = [sys.executable, "-W", "error", "-c", VISIT]
    result = subprocess.run(command, cwd=EXAMPLES, env=environ, text=True, capture_output=True, timeout=60)
    assert result.returncode == 0, result.stderr
    bad, good = json.loads(result.stdout)["events"]
    assert good["event"]["name"] == "Home"
    assert bad["errors"] == ["event is required"]
    assert "the live view is on at /_pixelmw" in result.stderr
