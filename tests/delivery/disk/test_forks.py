"""Forks, in mid-commit and past Python's hooks: nothing hangs, is lost or stored twice, and no child keeps the lock."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.support.processes import out, run, start
from tests.support.spools import THREADLESS, drained, report, scale, waiting

# What is stored stays in the directory: the sink does not return.
_PREFACE = """
import ctypes, itertools, logging, os, signal, sys, threading, warnings
from pathlib import Path
from pixelmw.delivery import Spool
from pixelmw.delivery.disk import drain_lock
from pixelmw.delivery.disk.directory import SpoolDirectory
from tests.support.processes import event, wait_until

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later, on a fork beside threads
signal.alarm(60)
logging.disable()
held = threading.Event()
spool = Spool(sys.argv[1], lambda event: held.wait())

def say(*words):
    os.write(1, " ".join(map(str, words)).encode() + b"\\n")

def store(name):
    spool(event(name))
    say(name)

def end(pid):
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == 0, code
"""
_MID_COMMIT = (
    _PREFACE
    + """
forks = int(sys.argv[2])
done = threading.Event()

def store_all(name):
    for number in itertools.count():
        store(f"{name}-{number}")
        if done.is_set():
            return

def start_threads(name, count):
    threads = [threading.Thread(target=store_all, args=[f"{name}-{thread}"]) for thread in range(count)]
    for thread in threads:
        thread.start()
    return threads

threads = start_threads("parent", 4)
for fork in range(forks):
    pid = os.fork()
    if pid == 0:
        theirs = start_threads(f"child-{fork}", 2)
        for number in range(10):
            store(f"child-{fork}-{number}")
        done.set()
        for thread in theirs:
            thread.join()
        os._exit(0)
    end(pid)
done.set()
for thread in threads:
    thread.join()
os._exit(0)
"""
)


def test_a_fork_in_mid_commit_hangs_neither_side_and_both_keep_what_they_acknowledged(tmp_path: Path) -> None:
    forks = scale(20, 200)
    acknowledged = run(_MID_COMMIT, tmp_path / "spool", forks)
    stored = waiting(tmp_path / "spool")
    counts = Counter(name.partition("-")[0] for name in acknowledged)
    report(
        "forks in mid-commit", forks=forks, **counts, lost=len(set(acknowledged) - set(stored)),
        twice=len(stored) - len(set(stored)),
    )  # fmt: skip
    assert counts["child"] >= 12 * forks
    assert counts["parent"] > forks
    assert sorted(stored) == sorted(acknowledged)
    assert {name.split("-")[1] for name in acknowledged if name.startswith("child")} == {*map(str, range(forks))}


# Beside other threads not even Python's own lock would outlive this.
_PAST_THE_HOOKS = (
    THREADLESS
    + _PREFACE
    + """
fork = ctypes.PyDLL(None).fork
for number in range(10):
    store(f"before-{number}")
    pid = fork()
    store(f"{'parent' if pid else 'child'}-{number}")
    store(f"{'parent' if pid else 'child'}-{number}-again")
    if pid == 0:
        os._exit(0)
    end(pid)
os._exit(0)
"""
)


def test_a_fork_past_pythons_hooks_is_noticed_and_both_sides_keep_what_they_acknowledged(tmp_path: Path) -> None:
    acknowledged = run(_PAST_THE_HOOKS, tmp_path / "spool")
    assert len(acknowledged) == 50
    assert sorted(waiting(tmp_path / "spool")) == sorted(acknowledged)


_WHILE_THE_LOCK_IS_TAKEN = (
    _PREFACE
    + """
taken, forked = threading.Event(), threading.Event()
take = drain_lock.try_to_lock_file

def take_slowly(descriptor):
    is_mine = take(descriptor)
    taken.set()
    forked.wait(0.3)
    return is_mine

drain_lock.try_to_lock_file = take_slowly
store("event")
taken.wait()
pid = os.fork()
forked.set()
if pid == 0:
    links = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink() and link.exists()]
    say(links.count(sys.argv[1] + "/drain.lock"))
    os._exit(0)
end(pid)
os._exit(0)
"""
)


def test_a_fork_does_not_leave_the_drain_lock_with_the_child_while_it_is_being_taken(tmp_path: Path) -> None:
    assert run(_WHILE_THE_LOCK_IS_TAKEN, tmp_path / "spool") == ["event", "0"]


_KILLED_BESIDE_A_CHILD = (
    _PREFACE
    + """
for number in range(20):
    store(f"parent-{number}")
wait_until(lambda: f"process {os.getpid()} " in drain_lock.DrainLock(SpoolDirectory(sys.argv[1])).holder())
if os.fork():
    os.kill(os.getpid(), signal.SIGKILL)
say("child")
for line in sys.stdin:
    store(line.strip())
os._exit(0)
"""
)


_KILLED_WITH_A_SEGMENT_LOCKED = (
    _PREFACE
    + """
set_mode = os.fchmod
def fork_and_die(descriptor, mode):
    if mode != 0o400:
        return set_mode(descriptor, mode)
    if os.fork():
        os.kill(os.getpid(), signal.SIGKILL)
    say("child")
    sys.stdin.read()
    os._exit(0)
os.fchmod = fork_and_die  # a seal: called while the segment is locked
store("parent-0")
held.wait(30)
"""
)


def test_a_child_does_not_keep_the_lock_of_a_segment_that_was_being_read(tmp_path: Path) -> None:
    with start(_KILLED_WITH_A_SEGMENT_LOCKED, tmp_path / "spool") as parent:
        assert [out(parent).readline().strip() for _ in range(2)] == ["parent-0", "child"]
        assert parent.wait(20) == -signal.SIGKILL
        assert drained(tmp_path / "spool") == ["parent-0"]


@pytest.mark.parametrize("uses_it", [False, True], ids=["that is idle", "that stores, too"])
def test_what_a_killed_process_left_is_taken_over_though_it_left_a_child(tmp_path: Path, uses_it: bool) -> None:
    with start(_KILLED_BESIDE_A_CHILD, tmp_path / "spool") as parent:
        expected = [f"parent-{number}" for number in range(20)]
        assert [out(parent).readline().strip() for _ in range(21)] == [*expected, "child"]
        assert parent.wait(20) == -signal.SIGKILL
        assert parent.stdin is not None
        assert drained(tmp_path / "spool") == expected
        if uses_it:
            parent.stdin.write("child-0\n")
            parent.stdin.flush()
            assert out(parent).readline() == "child-0\n"
            assert waiting(tmp_path / "spool") == ["child-0"]
