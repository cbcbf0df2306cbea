"""The campaign of examples/email_opens.py: its mails are opened, one is forged, one is past its time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

EXAMPLES = Path(__file__).parents[1] / "examples"
VISIT = """
import json, sys
from werkzeug.test import Client
from email_opens import application
client = Client(application)
for line in sys.stdin:
    target, agent = json.loads(line)
    response = client.get(target, headers={"User-Agent": agent}, buffered=True)
    code, body = response.headers.get("X-Pixel-Error"), response.get_data().decode("latin-1")
    print(json.dumps([response.status_code, code, body]))
"""
APPLE = "Mozilla/5.0"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
OUTLOOK = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.5; Pro)"


def python(arguments: list[str], lines: str, **variables: str) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=EXAMPLES,
        env=os.environ | variables,
        input=lines,
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_each_reader_counts_once_and_neither_a_forged_nor_an_old_link_counts(tmp_path: Path) -> None:
    database = {"EVENTS_DB": str(tmp_path / "opens.db"), "PIXEL_KEYS": "the key of last year,the key of this year"}

    def mails(**variables: str) -> list[str]:
        html = python(["email_opens.py"], "", **database, **variables)
        assert html.count("Dear ") == 3
        urls = [urlsplit(unescape(source)) for source in re.findall(r'<img src="([^"]+)"', html)]
        return [f"{url.path}?{url.query}" for url in urls]

    ada, grace, karen = mails()
    _, _, old = mails(LINK_SECONDS="0.001")
    forged = karen[:-1] + ("A" if karen[-1] != "A" else "B")
    opened = [(ada, GMAIL), (ada, GMAIL), (f"{ada}&utm_source=x", OUTLOOK), (grace, APPLE)]
    visits = [*opened, (forged, OUTLOOK), (old, OUTLOOK), ("/", "")]
    lines = "".join(f"{json.dumps(visit)}\n" for visit in visits)
    answers = [json.loads(line) for line in python(["-c", VISIT], lines, **database).splitlines()]
    assert [(status, code) for status, code, _ in answers] == [
        (200, None), (200, None), (200, None), (200, None), (403, "forged"), (410, "expired"), (200, None),
    ]  # fmt: skip
    assert answers[-1][2] == "ada: mail proxy\ngrace: Apple Mail Privacy Protection\n"
