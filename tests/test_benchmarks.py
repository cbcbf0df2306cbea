"""The benchmarks run; what they measure is for their readers, not for the tests."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
# Those that need no program that is not a package of Python's.
STORES = ["SQLite", "JSONLines", "Background", "Spool", "HTTP", "Kafka"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "options", "expected"),
    [
        ("compare", ["--rounds=2"], {"accepted page event", "pass-through to an empty Flask view"}),
        ("scale", ["--rounds=1", "--requests=10500"], {"memory", "parameters", "hostile queries of 32 KB"}),
        ("sqlite_threads", ["--rounds=2", "--events=64"], {"sync_us", "figures", "ratio"}),
        ("commits", ["--rounds=2"], {"accepted page event", "into a Background"}),
        ("greenlets", ["--rounds=1", "--seconds=0.3", "--only", "SQLite locked"], {"SQLite locked"}),
        ("store", [str(FOLDER.parent), "--rounds=1", "--seconds=0.05", "--threads=2", "--only", *STORES], set(STORES)),
    ],
    ids=["compare", "scale", "sqlite_threads", "commits", "greenlets", "store"],
)
def test_a_benchmark_runs_and_writes_down_what_came_out(
    tmp_path: Path, script: str, options: list[str], expected: set[str]
) -> None:
    output = tmp_path / "figures.json"
    command = [sys.executable, str(FOLDER / f"{script}.py"), f"--output={output}", *options]
    result = subprocess.run(command, text=True, capture_output=True, timeout=300)
    assert result.returncode == 0, result.stderr
    figures = json.loads(output.read_text())
    assert expected <= set(figures.get("cases", figures))


def test_the_reference_request_is_the_one_that_the_readme_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    traffic = import_module("traffic")
    assert (len(traffic.PARAMETERS), len(traffic.ACCEPTED)) == (18, 843)
