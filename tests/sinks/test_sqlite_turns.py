"""Processes take turns with versions of SQLite that damage a database when two commit at the same moment."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import ExitStack
from pathlib import Path

import pytest

from pixelmw.sinks import SQLite, Unavailable
from pixelmw.sinks.sqlite.turns import has_reset_bug
from tests.support import faults
from tests.support.processes import event, finish, into, out, run, start, stored

HAS_BUG = has_reset_bug(sqlite3.sqlite_version_info)


@pytest.mark.parametrize(
    ("version", "has_it"),
    [
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
        ((4, 0, 0), False),
    ],
    ids=str,
)
def test_the_versions_that_have_the_bug_are_known(version: tuple[int, ...], has_it: bool) -> None:
    assert has_reset_bug(version) is has_it


_TAKE_TURN = """
import fcntl, os, signal, sys
signal.alarm(20)
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print("on", flush=True)
input()
"""


@pytest.mark.parametrize("is_used", [False, True], ids=["new", "in use"])
@pytest.mark.parametrize("by_link", [False, True], ids=["by its name", "by a link"])
def test_with_such_a_version_nobody_stores_during_the_turn_of_another_process(
    tmp_path: Path, is_used: bool, by_link: bool
) -> None:
    """With a version without the bug, nobody asks whose turn it is."""
    (tmp_path / "volume").mkdir()
    path = tmp_path / "volume" / "events.db"
    if by_link:
        (tmp_path / "link.db").symlink_to(path)
    with ExitStack() as stack:
        sink = SQLite(tmp_path / "link.db" if by_link else path, timeout=0.1)
        if is_used:
            stack.enter_context(sink)
        process = start(_TAKE_TURN, path.parent)
        try:
            assert out(process).readline() == "on\n"
            if HAS_BUG:
                with pytest.raises(Unavailable, match="other processes kept the database locked"):
                    sink(event("1"))
                with pytest.raises(Unavailable, match="other processes kept the database locked"), sink:
                    pytest.fail("it was entered")
            else:
                sink(event("1"))
        finally:
            into(process).write("\n")
            finish(process)
        sink.timeout = 20
        sink(event("2"))
        sink.close()
    assert stored(path) == (["2"] if HAS_BUG else ["1", "2"])


_STORE = """
import os, sys
from pixelmw.sinks import SQLite
from tests.support.processes import event

sink = SQLite(sys.argv[1])
for number in range(2):
    os.write(1, b"begins\\n")
    sink.write([event(f"{number}-{each}", 100_000) for each in range(45)])
sink.close()
"""


@pytest.mark.slow
def test_a_transaction_and_its_checkpoint_are_within_a_turn(tmp_path: Path) -> None:
    path, log = tmp_path / "events.db", tmp_path / "trace"
    calls = ["-y", "-e", "trace=flock,pwrite64,write", "-o", str(log)]
    run(_STORE, path, under=[faults.strace(), "-f", "--seccomp-bpf", "-qq", *calls])
    steps, is_locked = [], False
    for line in log.read_text().splitlines():
        if "flock(" in line and f"{tmp_path}>" in line:
            is_locked = "LOCK_UN" not in line and line.endswith("= 0")
        elif found := re.search(rf"pwrite64\(\d+<{re.escape(str(path))}(-wal)?>", line):
            steps.append(("log" if found[1] else "database", is_locked))
        elif '"begins' in line:
            steps.append(("begin", is_locked))
    # What the last connection does when it closes the database, it does alone: SQLite has locked the whole file.
    last_transaction = max(place for place, step in enumerate(steps) if step[0] == "log")
    within = [step for step in steps[: last_transaction + 1] if step[0] != "begin"]
    assert {name for name, _ in within} == {"log", "database"}  # each batch is more than a checkpoint waits for
    assert {locked for _, locked in within} == {HAS_BUG}
    assert {locked for name, locked in steps if name == "begin"} == {False}


_WRITE = """
import os, signal, sys
from pixelmw.sinks import SQLite
from tests.support.processes import event

signal.alarm(60)
print("ready", flush=True)
input()
sink = SQLite(sys.argv[1], timeout=40)
for number in range(int(sys.argv[3])):
    sink.write([event(f"{sys.argv[2]}-{number}-{each}", 40_000) for each in range(20)])
os._exit(0)
"""


@pytest.mark.slow
def test_processes_whose_every_commit_ends_with_a_checkpoint_lose_nothing_and_damage_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    writers = [start(_WRITE, path, name, 15) for name in range(4)]
    try:
        for writer in writers:
            assert out(writer).readline() == "ready\n"
        for writer in writers:
            into(writer).write("\n")
            into(writer).flush()
    finally:
        for writer in writers:
            finish(writer, 90)
    assert sorted(stored(path)) == sorted(
        f"{name}-{number}-{each}" for name in range(4) for number in range(15) for each in range(20)
    )


def test_a_turn_leaves_no_file_and_no_descriptor(tmp_path: Path) -> None:
    with SQLite(tmp_path / "events.db") as sink:
        sink(event("1"))
        before = len(list(Path("/dev/fd").iterdir()))
        for number in range(10):
            sink(event(f"again-{number}"))
        assert len(list(Path("/dev/fd").iterdir())) == before
    assert os.listdir(tmp_path) == ["events.db"]  # noqa: PTH208 - names
