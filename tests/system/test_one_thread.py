"""There is never more than one thread, whoever starts it."""

from __future__ import annotations

import threading

from pixelmw.system.one_thread import OneThread
from tests.support import interrupts
from tests.support.interrupts import call_and_interrupt
from tests.support.processes import wait_until

pytestmark = interrupts.MARKS


class Work:
    """Work that one thread does until it is told to end.

    :ivar most: how many threads were at it at the same time.
    """

    def __init__(self) -> None:
        self.end = threading.Event()
        self.runs = self.most = self._now = 0
        self.thread = OneThread(self.run, "one of a kind")

    def run(self) -> None:
        self._now += 1
        self.runs += 1
        self.most = max(self.most, self._now)
        self.end.wait(20)
        self._now -= 1

    def has_run(self) -> bool:
        return self.runs > 0


def test_one_thread_runs_however_often_it_is_asked_for_and_another_one_after_it() -> None:
    work = Work()
    for _ in range(5):
        assert work.thread.ensure()
    wait_until(lambda: work.runs)
    assert (work.runs, work.thread.is_there()) == (1, True)
    assert not work.thread.is_own()
    work.end.set()
    wait_until(lambda: not work.thread.is_there())
    assert work.thread.ensure()
    wait_until(lambda: work.runs == 2)


def test_many_that_ask_at_once_get_one_thread() -> None:
    for _ in range(20):
        work = Work()
        together = threading.Barrier(8)

        def ask(work: Work = work, together: threading.Barrier = together) -> None:
            together.wait(20)
            assert work.thread.ensure()

        asking = [threading.Thread(target=ask) for _ in range(8)]
        for each in asking:
            each.start()
        for each in asking:
            each.join(20)
        wait_until(work.has_run)
        work.end.set()
        assert work.most == 1


def test_many_that_are_interrupted_while_they_ask_get_one_thread() -> None:
    """Before Python 3.13, ``Thread.is_alive`` may take a thread for dead if an exception from outside arrives in it."""
    work = Work()
    work.thread.ensure()
    wait_until(work.has_run)
    told = call_and_interrupt(lambda name: work.thread.ensure(), threads=4, rate=3000.0)
    work.end.set()
    assert len(told) > 1000
    assert work.most == work.runs == 1
