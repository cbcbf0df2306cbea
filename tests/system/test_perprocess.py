"""A value for each process: threads make it once, and a child makes its own and leaves its parent's alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pixelmw.system.fork import PerProcess
from tests.support.processes import run_measured

_PREFACE = """
import ctypes, os, sys, warnings
from pixelmw.system.fork import PerProcess

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later, on a fork beside threads

class Connection:
    def __init__(self):
        self.made_by = os.getpid()
    def __del__(self):
        os.write(1, b"destroyed ")

abandoned = []
value = PerProcess(Connection, abandon=abandoned.append)
fork = os.fork if sys.argv[1] == "os.fork" else ctypes.CDLL(None).fork  # the second is how a server written in C forks

def child(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


@pytest.mark.parametrize("fork", ["os.fork", "fork"])
def test_a_child_makes_its_own_value_and_leaves_the_inherited_one_alone(fork: str) -> None:
    script = """
mine = value.get()
pid = fork()
if pid == 0:
    assert value.existing() is None
    own = value.get()
    assert own is not mine and own.made_by == os.getpid()
    assert abandoned == [mine]
    del mine
    os.write(1, b"child ")
    os._exit(0)
assert child(pid) == 0
assert value.get() is mine and abandoned == []
os.write(1, b"parent ")
os._exit(0)
"""
    assert run_measured(_PREFACE + script, fork) == ["child", "parent"]


def test_a_child_abandons_the_inherited_value_before_it_needs_its_own() -> None:
    script = """
mine = value.get()
pid = os.fork()
if pid == 0:
    os._exit(0 if abandoned == [mine] else 1)
assert child(pid) == 0
os._exit(0)
"""
    assert run_measured(_PREFACE + script, "os.fork") == []


def test_threads_that_ask_at_the_same_time_get_the_same_value() -> None:
    start = threading.Barrier(8)
    value = PerProcess(object)
    got: list[object] = []

    def ask() -> None:
        start.wait(10)
        got.append(value.get())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(got) == 8
    assert len(set(map(id, got))) == 1


def test_a_value_that_was_popped_is_made_again() -> None:
    value = PerProcess(object)
    assert value.existing() is None
    first = value.get()
    assert value.existing() is value.pop() is first
    assert value.pop() is None
    assert value.get() is not first


def test_a_value_that_could_not_be_made_is_tried_again() -> None:
    answers: Iterator[Exception | str] = iter([OSError("not now"), "made"])

    def make() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    value = PerProcess(make)
    with pytest.raises(OSError, match="not now"):
        value.get()
    assert value.get() == "made"


def test_a_value_that_is_being_made_is_not_waited_for_by_who_would_forget_it() -> None:
    entered, gate = threading.Event(), threading.Event()

    def make() -> str:
        entered.set()
        assert gate.wait(20)
        return "made"

    value = PerProcess(make)
    maker = threading.Thread(target=value.get)
    maker.start()
    assert entered.wait(20)
    assert value.pop() is None
    assert not gate.is_set()
    gate.set()
    maker.join(20)
    assert value.pop() == "made"
    assert value.pop() is None
