"""A call that waits, in C or in a user's code, is made elsewhere, and nobody has to wait for it."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest

from pixelmw.system.threads import Task, run_elsewhere
from tests.support.processes import run_measured

TIMEOUT = 20.0  # seconds, for what a test waits for


def test_nobody_waits_for_a_call_that_is_made_elsewhere() -> None:
    may_end, has_ended = threading.Event(), threading.Event()

    def call() -> None:
        may_end.wait(TIMEOUT)
        has_ended.set()

    run_elsewhere(call)
    assert not has_ended.is_set()
    may_end.set()
    assert has_ended.wait(TIMEOUT)


_NO_THREADS = """
import threading
from pixelmw.system.threads import run_elsewhere

threading.stack_size(2**46)  # more than there is
run_elsewhere(lambda: print(threading.current_thread() is threading.main_thread()))
"""


def test_where_no_thread_can_be_started_it_is_made_here() -> None:
    assert run_measured(_NO_THREADS) == ["True"]


def test_a_task_returns_or_raises_what_its_call_does() -> None:
    task = Task(lambda: 42, "test")
    assert task.wait(20)
    assert task.result() == 42
    failing: Task[object] = Task(lambda: int("no number"), "test")
    assert failing.wait(20)
    with pytest.raises(ValueError, match="no number"):
        failing.result()


def test_a_task_finds_the_context_of_whoever_made_it() -> None:
    current: ContextVar[str] = ContextVar("current")
    current.set("an application")
    task = Task(current.get, "test")
    assert task.wait(20)
    assert task.result() == "an application"


def test_nobody_has_to_wait_for_a_task() -> None:
    gate = threading.Event()
    task = Task(lambda: gate.wait(20), "test")
    assert not task.wait(0.01)
    assert not task.is_done()
    with pytest.raises(TimeoutError):
        task.result()
    gate.set()
    assert task.wait(20)
    assert task.is_done()
