"""Writers that are killed, at random and at each system call: what was acknowledged is there."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.faults import strace
from tests.support.processes import found, out, start

pytestmark = pytest.mark.slow

_WRITE = """
import os, sys
from pixelmw.sinks import SQLite, JSONLines
from tests.support.faults import strace
from tests.support.processes import event

path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
sink = SQLite(path) if path.endswith(".db") else JSONLines(path)
for number in range(count):
    sink(event(f"{name}-{number}", 3000))
    os.write(1, f"{name}-{number}\\n".encode())
os._exit(0)
"""


def killed(process: subprocess.Popen[str]) -> list[str]:
    """Kill a writer that is still writing, and return the acknowledged ids that were not read yet."""
    process.kill()
    # communicate would pass over what readline has left in the buffer, and may begin in the middle of a line.
    left = out(process).readlines()
    errors = process.communicate(timeout=20)[1]
    assert process.returncode == -signal.SIGKILL, errors
    return [line.strip() for line in left if line.endswith("\n")]


@pytest.mark.parametrize("name", ["events.jsonl", "events.db"])
def test_every_event_that_a_killed_writer_acknowledged_is_there(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    acknowledged: list[str] = []
    bystander = start(_WRITE, path, "bystander", 100_000)
    for kill in range(10):
        victim = start(_WRITE, path, f"victim-{kill}", 100_000)
        for _ in range(1 + kill):
            acknowledged.append(out(victim).readline().strip())
        acknowledged += killed(victim)
    acknowledged += killed(bystander)
    ids = found(path)
    assert len(acknowledged) > 55
    assert len(set(ids)) == len(ids)
    assert set(acknowledged) <= set(ids)


@pytest.mark.parametrize(
    ("name", "call", "when"),
    [
        *(("events.jsonl", call, when) for call in ("write", "fdatasync") for when in (1, 3)),
        *(("events.db", call, when) for call in ("pwrite64", "fdatasync") for when in (1, 6, 12)),
    ],
)
def test_a_writer_that_is_killed_within_a_system_call_keeps_what_it_acknowledged(
    tmp_path: Path, name: str, call: str, when: int
) -> None:
    path = tmp_path / name
    where = [option for suffix in ("", "-wal", "-journal") for option in ("-P", f"{path}{suffix}")]
    kill = [*where, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}"]
    victim = start(_WRITE, path, "v", 20, under=[strace(), "-f", "-qq", "-o", str(tmp_path / "trace"), *kill])
    acknowledged = victim.communicate(timeout=40)[0].split()
    assert re.search(r"killed by SIGKILL", (tmp_path / "trace").read_text())
    assert len(acknowledged) < 20
    after = start(_WRITE, path, "a", 2)
    assert after.communicate(timeout=40)[0].split() == ["a-0", "a-1"]
    assert {*acknowledged, "a-0", "a-1"} <= set(found(path))
