"""A fork while a batch waits: the parent and the child each store their own items."""

from __future__ import annotations

import pytest

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
for item in "abc":
    threads.append(threading.Thread(target=group, args=(item,)))
    threads[-1].start()
    wait_until(lambda: item in group._batch.items)
{}
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
# As if another thread were joining the batch during the fork.
_JOINING = "group._mutex.acquire(); os.register_at_fork(after_in_parent=group._mutex.release)"


@pytest.mark.parametrize("joining", ["", _JOINING], ids=["waiting", "joining"])
def test_a_child_has_nothing_of_the_batch_that_waits_in_its_parent(joining: str) -> None:
    words = " ".join(run(_PREFACE + _FORK.format(joining)))
    assert sorted(words.replace("child d", "").split()) == ["a", "b", "c", "e", "parent", "parent"]
    assert "child d" in words
