"""Servers that are killed under load, and a spool that is killed before each system call: 0 acknowledged are lost."""

from __future__ import annotations

import random
import re
import signal
from collections import Counter
from pathlib import Path

import pytest

from pixelmw.sinks import JSONLines
from tests.support import process_tree
from tests.support.faults import strace
from tests.support.loads import Load
from tests.support.process_tree import Process, family
from tests.support.processes import found, run, start, wait_until
from tests.support.servers import running
from tests.support.spools import THREADLESS, drain, drain_in_a_new_process, report, sample, scale, waiting

pytestmark = pytest.mark.slow

STORES = {"spool": "forwarded.jsonl", "sqlite": "events.db", "lines": "events.jsonl"}


def workers(master: int) -> list[Process]:
    """The processes that a server has started and that live."""
    return [each for each in family(master) if each.pid != master and not each.has_ended()]


def kill_under_load(load: Load, master: int, times: int, chance: random.Random) -> None:
    """Kill so many workers of a server, one by one, and then all of it."""
    for _ in range(times):
        load.wait_for(chance.randint(1, 100))
        wait_until(lambda: workers(master))
        chance.choice(workers(master)).send(signal.SIGKILL)
    load.wait_for(chance.randint(1, 100))
    process_tree.kill(master)  # with the worker, too, that it is about to start in place of the last one
    load.port = 0


@pytest.mark.parametrize("kind", STORES)
def test_whatever_a_killed_server_acknowledged_is_stored(tmp_path: Path, kind: str) -> None:
    times, masters = scale(2, 9), scale(1, 11)  # of each server, and how many servers
    chance = random.Random(kind)
    environ = {"PIXELMW_TEST_SINK": kind, "PIXELMW_TEST_DIRECTORY": str(tmp_path)}
    pid_file = tmp_path / "pid"
    options = ["--workers=2", f"--pid={pid_file}"]
    with Load(clients=8) as load:
        for _ in range(masters):
            with running(
                "gunicorn-gthread", "tests.support.delivery_app:application", tmp_path, *options, **environ
            ) as load.port:
                kill_under_load(load, int(pid_file.read_text()), times, chance)
    store = tmp_path / STORES[kind]
    ids = found(store) if store.exists() else []
    if kind == "spool":
        assert set(load.acknowledged) <= {*ids, *waiting(tmp_path / "spool")}
        drain_in_a_new_process(tmp_path / "spool", store)
        ids = found(store)
    lost = set(load.acknowledged) - set(ids)
    report(
        f"killed servers, {kind}", workers=times * masters, masters=masters,
        acknowledged=len(load.acknowledged), lost=len(lost), refused=len(load.refused),
        duplicates=len(ids) - len(set(ids)),
    )  # fmt: skip
    assert not lost
    assert set(ids) <= set(load.offered)


# Segments of three events, batches of two, and one event that does not fit: each kind of call has its turn.
_STEPS = (
    THREADLESS
    + """
import resource
from contextlib import suppress
from pathlib import Path
from pixelmw.delivery import Spool
from pixelmw.delivery.disk import journal
from pixelmw.sinks import JSONLines
from tests.support.processes import event
from tests.support.spools import drain

journal.SEGMENT_BYTES = 200
directory = Path(sys.argv[1])
sink = JSONLines(directory / "forwarded.jsonl")
spool = Spool(directory / "spool", sink)
for number in range(12):
    spool(event(f"v-{number}"))
    os.write(1, f"v-{number}\\n".encode())
    if number == 7:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, -1))
        with suppress(OSError):
            spool(event("refused", 1000))
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    if number % 5 == 4:
        drain(spool.directory, sink, max_batch=2)
os._exit(0)
"""
)
_CALLS = ("write", "pwrite64", "fdatasync", "fsync", "rename", "unlink", "openat", "ftruncate", "fchmod", "mkdirat")


def traced(trace: Path, *options: str) -> list[str]:
    """A command that writes down the calls of *_CALLS* with the paths that they are about."""
    return [strace(), "-f", "-qq", "-y", "-o", str(trace), "-e", f"trace={','.join(_CALLS)}", *options]


def steps(trace: Path, directory: Path) -> list[tuple[str, int]]:
    """Each call that was about a file in *directory*, as its name and the how manieth of that name it was."""
    seen: Counter[str] = Counter()
    found = []
    for line in trace.read_text().splitlines():
        if call := re.match(r"\d+ +(\w+)\(", line):
            seen[call[1]] += 1
            if str(directory) in line:
                found.append((call[1], seen[call[1]]))
    return found


def test_a_spool_that_is_killed_before_any_of_its_system_calls_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    dry = tmp_path / "dry"
    dry.mkdir()
    trace = tmp_path / "trace"
    assert len(run(_STEPS, dry, under=traced(trace))) == 12
    points = steps(trace, dry)
    assert {call for call, _ in points} == {*_CALLS} - {"rename"}  # a spool renames nothing
    killed: Counter[str] = Counter()
    acknowledged = lost = duplicates = 0
    for call, when in sample(points, 7):
        directory = tmp_path / f"{call}-{when}"
        directory.mkdir()
        with start(_STEPS, directory, under=traced(trace, "-e", f"inject={call}:signal=KILL:when={when}")) as victim:
            names = victim.communicate(timeout=40)[0].split()
        *_, last, end = trace.read_text().splitlines()
        assert "killed by SIGKILL" in end
        assert f" {call}(" in last
        assert str(directory) in last
        store = directory / "forwarded.jsonl"
        if (directory / "spool").exists():
            drain(directory / "spool", JSONLines(store, sync=False))
        ids = found(store) if store.exists() else []
        lost += len(set(names) - set(ids))
        assert set(ids) <= {f"v-{number}" for number in range(12)} | {"refused"}
        duplicates += len(ids) - len(set(ids))
        acknowledged += len(names)
        killed[call] += 1
    report(
        "killed before a system call", **killed, in_all=killed.total(), of=len(points),
        acknowledged=acknowledged, lost=lost, duplicates=duplicates,
    )  # fmt: skip
    assert lost == 0
