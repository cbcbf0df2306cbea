"""A fork waits half a second for everything together, and takes lanes before locks."""

from __future__ import annotations

from tests.support.processes import run_measured

_PREFACE = """
import os, signal, time, warnings
from pixelmw.system.fork import ForkSafeLock, take_before_fork

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later, on a fork beside threads
signal.alarm(30)

def say(*words):
    os.write(1, " ".join(map(str, words)).encode() + b"\\n")

def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)

class Lane:
    def take(self, timeout):
        say("lane")
    def give_back(self):
        say("back")
"""

_FIVE = """
locks = [ForkSafeLock() for _ in range(5)]
for lock in locks:
    lock.acquire()
before = time.monotonic()
fork()
say(0.4 < time.monotonic() - before < 1.5)
"""


def test_five_locks_that_are_never_released_delay_a_fork_by_half_a_second_together() -> None:
    assert run_measured(_PREFACE + _FIVE) == ["True"]


_ORDER = """
locks = [ForkSafeLock(before_fork=lambda: say("lock")) for _ in range(2)]
lane = Lane()
take_before_fork(lane)
fork()
del lane
fork()
"""


def test_what_comes_first_is_taken_before_all_locks_as_long_as_it_exists() -> None:
    assert run_measured(_PREFACE + _ORDER) == ["lane", "lock", "lock", "back", "lock", "lock"]


_CHILD = """
lane = Lane()
take_before_fork(lane)
pid = os.fork()
if pid == 0:
    fork()
    os._exit(0)
os.waitpid(pid, 0)
"""


def test_a_child_neither_gives_back_nor_takes_what_its_parent_has() -> None:
    assert sorted(run_measured(_PREFACE + _CHILD)) == ["back", "lane"]


_HANGS = """
import threading

entered, gate = threading.Event(), threading.Event()

def hang():
    if threading.current_thread() is not threading.main_thread():
        entered.set()
        gate.wait(25)

locks = [ForkSafeLock(), ForkSafeLock(before_fork=hang), ForkSafeLock()]
other = threading.Thread(target=fork, daemon=True)
other.start()
assert entered.wait(20)
pid = os.fork()
if pid == 0:
    free = [lock.acquire(1) for lock in locks]
    for lock in locks:
        lock.release()
    fork()  # a child forks as ever
    os._exit(0 if free == [True, True, True] else 1)
say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), gate.is_set())
gate.set()
other.join(20)
fork()
say(other.is_alive(), [lock.acquire(1) for lock in locks])
"""


def test_a_fork_that_hangs_holds_up_no_other_one_and_no_child() -> None:
    assert run_measured(_PREFACE + _HANGS) == ["0", "False", "False", "[True,", "True,", "True]"]
