"""The examples for the command line run as their users would run them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import environment
from tests.support.needs import need

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/mistaken"])
def test_the_job_for_ci_opens_a_page_and_waits_for_its_three_events(tmp_path: Path, path: str) -> None:
    need("chromium", "chromium-browser", "google-chrome")
    command = [sys.executable, "-W", "error", "pixels_in_ci.py", path]
    variables = environment(EXAMPLES, HOME=str(tmp_path))
    job = subprocess.run(command, cwd=EXAMPLES, text=True, capture_output=True, timeout=120, env=variables)
    events = [json.loads(line) for line in job.stdout.splitlines()]
    if path == "/":
        assert job.returncode == 0, job.stderr
        names = sorted(str(event.get("event") or event.get("name")) for event in events)
        assert names == ["Checkout", "Checkout Started", "Coupon Applied"]
        assert {event["properties"]["revenue"] for event in events if "properties" in event} == {9.9}
        assert "3 of 3 expected events came, and 0 went wrong" in job.stderr
    else:
        assert job.returncode == 1
        refusal = next(json.loads(line) for line in job.stderr.splitlines() if line.startswith("{"))
        assert (refusal["message"], refusal["parameter"]) == ("event is required", "event")
