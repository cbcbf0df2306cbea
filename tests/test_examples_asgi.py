"""The example for FastAPI runs under uvicorn as its users would run it."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from html import unescape
from pathlib import Path
from urllib.request import urlopen

from tests.support.ports import free_port
from tests.support.processes import wait_until

EXAMPLES = Path(__file__).parents[1] / "examples"


def listens(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/"):
            return True
    except OSError:
        return False


def test_the_fastapi_application_serves_its_page_and_stores_its_pixel(tmp_path: Path) -> None:
    port, database = free_port(), tmp_path / "events.db"
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "EVENTS_DB": str(database)}
    command = [sys.executable, "-m", "uvicorn", f"--port={port}", "fastapi_app:app"]
    with subprocess.Popen(command, cwd=EXAMPLES, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: listens(port), 20)
            with urlopen(f"http://127.0.0.1:{port}/") as page:
                found = re.search('src="(.*?)"', page.read().decode())
            assert found
            with urlopen(f"http://127.0.0.1:{port}{unescape(found[1])}") as pixel:
                assert (pixel.status, pixel.headers["Content-Type"]) == (200, "image/gif")
        finally:
            server.terminate()
    with closing(sqlite3.connect(database)) as connection:
        select = "SELECT type, user_id, json_extract(body, '$.properties.plan') FROM events"
        assert connection.execute(select).fetchall() == [("page", "42", "pro")]
