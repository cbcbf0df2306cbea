"""Forks while others store: nothing is lost, nothing is stored twice, and no child waits for its parent's threads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes import run, stored

pytestmark = pytest.mark.slow

_PREFACE = """
import os, signal, sys, threading, time, warnings
from pixelmw.sinks import JSONLines, SQLite, BatchSink
from pixelmw.sinks.together import store
from tests.support.processes import event

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later, on a fork beside threads
signal.alarm(50)

def say(*words):
    os.write(1, " ".join(map(str, words)).encode() + b"\\n")
"""

_FORK_TEN_TIMES = """
path = sys.argv[1]
sink = SQLite(path) if path.endswith(".db") else JSONLines(path)
is_over = False

def visit(thread):
    number = 0
    while not is_over:
        number += 1
        sink(event(f"parent-{thread}-{number}"))
        say(f"parent-{thread}-{number}")

threads = [threading.Thread(target=visit, args=(thread,)) for thread in range(8)]
for thread in threads:
    thread.start()
for fork in range(10):
    time.sleep(0.02)
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        own = [threading.Thread(target=sink, args=(event(f"child-{fork}-{number}"),)) for number in range(4)]
        for thread in own:
            thread.start()
        for thread in own:
            thread.join()
        say(*(f"child-{fork}-{number}" for number in range(4)))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
is_over = True
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("name", ["events.db", "events.jsonl"])
def test_ten_forks_in_the_middle_of_writes_lose_nothing_and_store_nothing_twice(tmp_path: Path, name: str) -> None:
    words = " ".join(run(_PREFACE + _FORK_TEN_TIMES, tmp_path / name)).split()
    ids = stored(tmp_path / name)
    assert sorted(words) == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert sum(each.startswith("child") for each in ids) == 40


_FORK_IN_A_WRITE = """
class Sink(BatchSink):
    def write(self, events):
        for each in events:
            if each["messageId"] == "forks":
                before = time.monotonic()
                self.pid = os.fork()
                say("soon" if time.monotonic() - before < 0.4 else "late")
                if self.pid == 0:
                    say("child")
                    os._exit(0)
                os.waitpid(self.pid, 0)
        say("stored", *(each["messageId"] for each in events))

sink = Sink()
sink(event("forks"))
sink(event("after"))
"""


def test_a_write_that_forks_does_not_wait_for_itself() -> None:
    words = " ".join(run(_PREFACE + _FORK_IN_A_WRITE)).split()
    assert sorted(words) == sorted(["soon", "soon", "child", "stored", "forks", "stored", "after"])


_FORK_BESIDE_ONE_THAT_HANGS = """
class Sink(BatchSink):
    timeout = 20
    def write(self, events):
        if events[0]["messageId"] == "hangs":
            began.set()
            goes_on.wait()
        say(os.getpid() == parent and "parent" or "child", *(each["messageId"] for each in events))

parent = os.getpid()
began, goes_on = threading.Event(), threading.Event()
sink = Sink()
threads = [threading.Thread(target=sink, args=(event("hangs"),))]
threads[0].start()
began.wait()
threads.append(threading.Thread(target=sink, args=(event("waits"),)))
threads[1].start()
before = time.monotonic()
pid = os.fork()
if pid == 0:
    signal.alarm(10)
    sink(event("c"))
    os._exit(0)
say("soon" if time.monotonic() - before < 1.5 else "late")
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
goes_on.set()
for thread in threads:
    thread.join()
sink(event("after"))
"""


def test_a_fork_waits_half_a_second_for_a_write_that_hangs_and_the_child_stores() -> None:
    words = " ".join(run(_PREFACE + _FORK_BESIDE_ONE_THAT_HANGS)).split()
    assert words == ["soon", "child", "c", "parent", "hangs", "parent", "waits", "parent", "after"] or words == [
        *["child", "c", "soon", "parent", "hangs", "parent", "waits", "parent", "after"]
    ]
