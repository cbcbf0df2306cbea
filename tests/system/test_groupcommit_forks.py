"""A fork while a batch waits: the parent and the child each store their own items."""

from __future__ import annotations

import re

from tests.support.processes import run

_PREFACE = """
import os, signal, sys, threading, warnings
from pixelmw.system.groupcommit import GroupCommit
from tests.support.processes import wait_until

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later, on a fork beside threads
signal.alarm(30)

def say(*words):
    os.write(1, " ".join(map(str, words)).encode() + b"\\n")

def commit(items):
    say("parent" if os.getpid() == parent else "child", *items)
    return {}

parent = os.getpid()
lock = threading.Lock()
group = GroupCommit(commit, lock=lock)
"""

# The thread that forks holds the lock in both processes, so that the batch is not committed in the meantime.
_FORK = """
lock.acquire()
threads = []
for number, item in enumerate("abc", 1):
    threads.append(threading.Thread(target=group, args=(item,)))
    threads[-1].start()
    wait_until(lambda: group.waiting == number)
pid = os.fork()
lock.release()
if pid == 0:
    group("d")
    os._exit(0)
for thread in threads:
    thread.join()
group("e")
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""


def test_a_child_has_nothing_of_the_batch_that_waits_in_its_parent() -> None:
    words = " ".join(run(_PREFACE + _FORK))
    assert sorted(words.replace("child d", "").split()) == ["a", "b", "c", "e", "parent", "parent"]
    assert "child d" in words


# A fork at each line that joins a batch. At one of them, the batch is locked against other threads.
_FORK_AT_EACH_LINE = """
def trace(frame, event, argument):
    return fork if frame.f_code is GroupCommit.__call__.__code__ else None

def fork(frame, event, argument):
    if event == "line":
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)
            group("d")
            os._exit(0)
        say(frame.f_lineno, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    return fork

sys.settrace(trace)
group("a")
sys.settrace(None)
group("e")
"""


def test_a_child_can_store_wherever_its_parent_was_in_joining_a_batch() -> None:
    words = " ".join(run(_PREFACE + _FORK_AT_EACH_LINE))
    forks = re.findall(r"child d (\d+) 0", words)
    assert len(set(forks)) > 5
    assert re.sub(r"child d \d+ 0 ?", "", words).split() == ["parent", "a", "parent", "e"]
