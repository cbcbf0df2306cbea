"""Exceptions that arrive at any line: nobody hangs, and nobody is told yes without being stored."""

from __future__ import annotations

import ctypes
import random
import threading
import time
from collections.abc import Sequence

import pytest

from pixelmw import Event
from pixelmw.sinks import BatchSink, Unavailable
from pixelmw.testing.contract.untraced import untraced
from tests.support.processes import event


class Interrupt(BaseException):
    """Arrives from outside."""


class Kept(BatchSink):
    timeout = 5.0

    def __init__(self) -> None:
        self.ids: set[str] = set()

    def write(self, events: Sequence[Event]) -> None:
        time.sleep(0.0003)
        for each in events:
            self.ids.add(each["messageId"])


class KeptInTwoLanes(Kept):
    lanes = 2


class Storing:
    """A thread that stores event after event, however often it is interrupted.

    :ivar yes: the ids of the events that it was told are stored.
    :ivar last: when it was told anything last, on the monotonic clock.
    :ivar strange: what it was told besides.
    """

    def __init__(self, sink: Kept, number: int) -> None:
        self.yes: list[str] = []
        self.last = time.monotonic()
        self.strange: list[BaseException] = []
        self.is_over = False
        self._sink, self._number = sink, number
        self.thread = threading.Thread(target=self._run_to_the_end, daemon=True)

    def _run_to_the_end(self) -> None:
        while not self.is_over:
            try:
                self._run()
            except Interrupt:
                continue

    def _run(self) -> None:
        for count in range(10**9):
            if self.is_over:
                return
            message_id = f"{self._number}-{count}-{random.random()}"
            try:
                self._sink(event(message_id))
                self.yes.append(message_id)
            except (Interrupt, Unavailable):
                pass
            except Exception as error:
                self.strange.append(error)
            self.last = time.monotonic()


def interrupt(threads: list[Storing], seconds: float) -> float:
    """Interrupt one of *threads* 500 times a second; returns the longest time in which one of them was told nothing."""
    longest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        thread = random.choice(threads).thread
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Interrupt))
        longest = max(longest, time.monotonic() - min(each.last for each in threads))
        time.sleep(0.002)
    return longest


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Kept, KeptInTwoLanes])
def test_nobody_hangs_and_nobody_is_told_yes_without_being_stored(kind: type[Kept]) -> None:
    sink = kind()
    with untraced() as found:
        threads = [Storing(sink, number) for number in range(8)]
        for each in threads:
            each.thread.start()
        longest = interrupt(threads, 3)
        for each in threads:
            each.is_over = True
        for each in threads:
            each.thread.join(20)
        found.hangs = any(each.thread.is_alive() for each in threads)
    assert not found.hangs
    yes = [message_id for each in threads for message_id in each.yes]
    assert set(yes) <= sink.ids
    assert len(yes) > 100
    assert [error for each in threads for error in each.strange] == []
    assert longest < 4  # a wake-up that is lost costs a second
    sink(event("after"))
    assert "after" in sink.ids
