"""A lock that no fork leaves locked, in real forks."""

from __future__ import annotations

import gc
import os
import warnings
import weakref
from pathlib import Path

import pytest

from pixelmw.sinks import SQLite
from pixelmw.system.fork import ForkSafeLock
from tests.support.processes import event, run, run_measured

_PREFACE = """
import os, signal, sys, threading, warnings
from pixelmw.system import fork as forksafe
from pixelmw.system.fork import ForkSafeLock

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later, on a fork beside threads
signal.alarm(30)

def say(*words):
    os.write(1, " ".join(map(str, words)).encode() + b"\\n")

def child(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def in_a_thread(act):
    thread = threading.Thread(target=act)
    thread.start()
    return thread
"""


def test_only_one_thread_holds_a_lock() -> None:
    lock = ForkSafeLock()
    assert lock.acquire()
    assert not lock.acquire(0)
    lock.release()
    with lock:
        assert not lock.acquire(0.01)
    assert lock.acquire(0)


def test_a_lock_is_released_after_an_error() -> None:
    lock = ForkSafeLock()
    with pytest.raises(KeyError), lock:
        raise KeyError
    assert lock.acquire(0)


_BESIDE_A_HOLDER = """
lock = ForkSafeLock()
held, done = threading.Event(), threading.Event()

def hold():
    while not done.is_set():
        with lock:
            held.set()

holders = [in_a_thread(hold) for _ in range(4)]
held.wait()
for _ in range(50):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if lock.acquire(5) else 1)
    say(child(pid))
done.set()
for holder in holders:
    holder.join()
say("parent", lock.acquire(5))
"""


def test_a_child_and_its_parent_find_the_lock_free_though_other_threads_hold_it_all_the_time() -> None:
    assert run(_PREFACE + _BESIDE_A_HOLDER) == ["0"] * 50 + ["parent", "True"]


_WAITS = """
lock = ForkSafeLock()
steps = []
held = threading.Event()

def hold():
    with lock:
        held.set()
        while not forking.is_set():
            pass
        steps.append("let go")

forking = threading.Event()
os.register_at_fork(before=forking.set)  # the last to be registered is the first to be called
holder = in_a_thread(hold)
held.wait()
pid = os.fork()
if pid == 0:
    os._exit(len(steps))
holder.join()
say(child(pid))
"""


def test_a_fork_waits_until_the_holder_has_released_the_lock() -> None:
    assert run_measured(_PREFACE + _WAITS) == ["1"]


_BEFORE_FORK = """
def before_fork():
    say("before", os.getpid() == parent, lock.acquire(0), second.acquire(0))
    second.release()

parent = os.getpid()
second = threading.Lock()
lock = ForkSafeLock(before_fork=before_fork)
pid = os.fork()
free = lock.acquire(0)
if pid == 0:
    os._exit(0 if free else 1)
say("after", free, child(pid))
"""


def test_before_fork_is_called_once_in_the_parent_and_under_the_lock() -> None:
    assert run_measured(_PREFACE + _BEFORE_FORK) == ["before", "True", "False", "True", "after", "True", "0"]


def test_a_fork_of_this_process_takes_the_lock_and_releases_it() -> None:
    told: list[bool] = []
    lock = ForkSafeLock(before_fork=lambda: told.append(lock.acquire(0)))
    with warnings.catch_warnings():
        # Python 3.12 and later warn if another test has left a thread.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    free = lock.acquire(0)
    if pid == 0:
        os._exit(0 if free else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert (told, free) == ([False], True)


_ALL = """
locks = [ForkSafeLock(before_fork=lambda: say("told")) for _ in range(5)]
pid = os.fork()
free = all(lock.acquire(0) for lock in locks)
if pid == 0:
    os._exit(0 if free else 1)
say(free, child(pid))
"""


def test_every_lock_is_taken_and_released() -> None:
    assert run_measured(_PREFACE + _ALL) == ["told"] * 5 + ["True", "0"]


_STUCK = """
forksafe.MAX_WAIT_BEFORE_FORK = 0.1
stuck, other = ForkSafeLock(before_fork=lambda: say("never")), ForkSafeLock(before_fork=lambda: say("told"))
stuck.acquire()
pid = os.fork()
free = stuck.acquire(0), other.acquire(0)
if pid == 0:
    os._exit(0 if free == (True, True) else 1)
say(*free, child(pid))
"""


def test_a_lock_that_is_never_released_delays_a_fork_does_not_prevent_it_and_is_free_in_the_child() -> None:
    assert run_measured(_PREFACE + _STUCK) == ["told", "False", "True", "0"]


_TWO_FORKS = """
class Eager(ForkSafeLock):
    # Lets the other thread take the lock as soon as this one has released it.
    def release(self):
        super().release()
        if os.getpid() == parent and threading.current_thread() is first:
            second_forks.wait(0.5)

def told():
    if threading.current_thread() is not first:
        second_forks.set()
        first.join()
        say("free" if lock.acquire(0) else "held")

def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    child(pid)

parent = os.getpid()
first_forks, second_forks = threading.Event(), threading.Event()
lock = Eager(before_fork=told)
os.register_at_fork(before=first_forks.set)
first = threading.Thread(target=fork)
first.start()
first_forks.wait()
fork()
"""


def test_two_threads_that_fork_at_once_do_not_release_each_others_locks() -> None:
    assert run_measured(_PREFACE + _TWO_FORKS) == ["held"]


def test_a_lock_without_references_is_destroyed() -> None:
    lock = ForkSafeLock()
    gone = weakref.ref(lock)
    del lock
    gc.collect()
    assert gone() is None


def test_a_sink_without_references_is_destroyed(tmp_path: Path) -> None:
    sink = SQLite(tmp_path / "events.db")
    sink(event("1"))
    sink.close()
    gone = weakref.ref(sink)
    del sink
    gc.collect()
    assert gone() is None
