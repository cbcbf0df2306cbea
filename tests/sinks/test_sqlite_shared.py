"""Threads, processes and forks on one database."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from pixelmw.sinks import SQLite, Unavailable
from tests.support import connections as sqlite_connections
from tests.support.connections import busy
from tests.support.processes import event, finish, out, rows, run, start, stored

connections = sqlite_connections.connections


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


# --- threads and processes ---


def test_a_busy_thread_is_waited_for_no_longer_than_the_timeout(
    path: Path, connections: list[sqlite3.Connection]
) -> None:
    with SQLite(path, timeout=0.1) as sink:
        with busy(sink, connections[0]):
            started = time.monotonic()
            with pytest.raises(Unavailable, match=r"was busy for 0\.1 seconds"):
                sink(event("1"))
            assert 0.1 <= time.monotonic() - started < 5
        sink(event("2"))
    assert stored(path) == ["busy", "2"]


_WRITE = """
import sys
from pixelmw.sinks import SQLite, Unavailable
from tests.support.processes import event

path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
input()
with SQLite(path, timeout=30) as sink:
    for number in range(count):
        sink(event(f"{name}-{number}"))
"""


@pytest.mark.slow
def test_processes_that_start_together_on_a_new_file_share_it(path: Path) -> None:
    writers = [start(_WRITE, path, name, 15) for name in range(8)]
    for writer in writers:
        assert out(writer).readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        finish(writer)
    assert sorted(stored(path)) == sorted(f"{name}-{number}" for name in range(8) for number in range(15))


# --- forks ---

_PREFACE = """
import ctypes, os, signal, sys, threading, warnings
from pixelmw.sinks import SQLite, Unavailable
from tests.support.processes import event

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later, on a fork beside threads
signal.alarm(30)
sink = SQLite(sys.argv[1], timeout=20)

def store(message_id):
    sink(event(message_id))
    os.write(1, message_id.encode() + b"\\n")

def child(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""

_FORK = """
store("parent")
for fork in range(20):
    pid = os.fork()
    if pid == 0:
        store(f"child-{fork}")
        grandchild = os.fork()
        if grandchild == 0:
            store(f"grandchild-{fork}")
            os._exit(0)
        store(f"child-{fork}-again")
        os._exit(child(grandchild))
    store(f"parent-{fork}")
    assert child(pid) == 0
    store(f"parent-{fork}-again")
"""

_FORK_BESIDE_THREADS = """
done = threading.Event()

def write(name):
    number = 0
    while not done.is_set() or number < 20:
        store(f"thread-{name}-{number}")
        number += 1

threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
for thread in threads:
    thread.start()
for fork in range(10):
    pid = os.fork()
    if pid == 0:
        for number in range(3):
            store(f"child-{fork}-{number}")
        os._exit(0)
    store(f"parent-{fork}")
    assert child(pid) == 0
done.set()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize(
    ("script", "least"), [(_FORK, 101), (_FORK_BESIDE_THREADS, 120)], ids=["alone", "beside threads"]
)
def test_a_process_that_forks_loses_nothing_and_neither_does_its_child(path: Path, script: str, least: int) -> None:
    acknowledged = run(_PREFACE + script, path)
    assert len(acknowledged) >= least
    assert sorted(stored(path)) == sorted(acknowledged)


def test_a_fork_closes_the_connection_and_the_next_event_opens_another(path: Path) -> None:
    assert run(_PREFACE + _OPEN_AROUND_A_FORK, path) == ["True", "False", "False", "True", "True"]
    assert stored(path) == ["before", "parent", "child"]


_OPEN_AROUND_A_FORK = """
from pathlib import Path
from tests.support.spools import descriptors

def is_open():
    os.write(1, f"{sys.argv[1] in descriptors(Path(sys.argv[1]).parent)}\\n".encode())

sink(event("before"))
is_open()
go_on, tell = os.pipe()
pid = os.fork()
if pid:
    is_open()
    sink(event("parent"))
    os.write(tell, b"x")
    assert child(pid) == 0
    is_open()
else:
    os.read(go_on, 1)
    is_open()
    sink(event("child"))
    is_open()
    os._exit(0)
"""

# uWSGI forks in C, and Python's hooks are not called.
_FORK_IN_C = """
fork = ctypes.PyDLL(None).fork
store("parent-1")
go_on, tell = os.pipe()
hear, say = os.pipe()
pid = fork()
if pid == 0:
    store("child-1")
    os.close(tell)
    os.close(say)
    os.read(go_on, 1)
    for number in range(2, 6):
        store(f"child-{number}")
    os._exit(0)
os.close(say)
os.read(hear, 1)
store("parent-2")
"""
_CHILD_FIRST = """
os.close(tell)
assert child(pid) == 0
store("parent-3")
sink.close()
"""
_PARENT_FIRST = """
sink.close()
os.close(tell)
assert child(pid) == 0
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "count"),
    [
        pytest.param(_CHILD_FIRST, 8, id="child"),
        pytest.param(_PARENT_FIRST, 7, id="parent"),
    ],
)
def test_a_fork_without_pythons_hooks_loses_nothing_whichever_side_ends_first(
    path: Path, script: str, count: int
) -> None:
    acknowledged = run(_PREFACE + _FORK_IN_C + script, path)
    assert len(acknowledged) == count
    assert sorted(stored(path)) == sorted(acknowledged)


_OWN = """
opened = []
sys.addaudithook(lambda name, args: name == "sqlite3.connect" and opened.append(args))
store("parent")
pid = ctypes.PyDLL(None).fork()
if pid == 0:
    sink(event("child"))
    os._exit(len(opened) != 2)
assert child(pid) == 0
sink(event("parent again"))
assert len(opened) == 1
"""


def test_a_child_of_a_fork_without_pythons_hooks_has_a_connection_of_its_own(path: Path) -> None:
    assert run(_PREFACE + _OWN, path) == ["parent"]
    assert stored(path) == ["parent", "child", "parent again"]


def test_a_parent_that_never_stored_leaves_nothing_to_inherit(path: Path) -> None:
    assert sorted(run(_PREFACE + _FORK, path)) == sorted(rows(path))
