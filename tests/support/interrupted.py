"""Threads that store one event after another, and in which exceptions are raised from outside meanwhile."""

from __future__ import annotations

import ctypes
import random
import threading
import time
from collections.abc import Callable

from pixelmw import Event
from pixelmw.sinks import Unavailable
from pixelmw.testing.contract.untraced import untraced
from tests.support.processes import event

PER_SECOND = 500  # exceptions, in all threads together
_JOIN = 30.0  # seconds


class Interrupted(BaseException):
    """Raised from outside."""


class Storing:
    """A thread that stores event after event, however often it is interrupted.

    :ivar acknowledged: the ids of the events that it was told are stored.
    :ivar strange: what it was told besides.
    :ivar interruptions: how often it was interrupted.
    """

    def __init__(self, sink: Callable[[Event], object], name: str) -> None:
        self.acknowledged: list[str] = []
        self.strange: list[Exception] = []
        self.interruptions = 0
        self.is_over = False
        self._sink, self._name = sink, name
        self._count = 0
        # The next exception is raised once the last one has been caught: nobody would catch it in between.
        self._is_ready = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.is_over:
            try:
                self._is_ready = True
                self._store()
            except Interrupted:
                self.interruptions += 1

    def _store(self) -> None:
        while not self.is_over:
            self._count += 1
            message_id = f"{self._name}-{self._count}"
            try:
                self._sink(event(message_id))
                self.acknowledged.append(message_id)
            except Unavailable:
                pass
            except Exception as error:
                self.strange.append(error)

    def interrupt(self) -> None:
        """Raise an exception in the thread, wherever it is."""
        if self._is_ready:
            self._is_ready = False
            ident = ctypes.c_ulong(self.thread.ident or 0)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(Interrupted))


@untraced()
def store_while_interrupted(sink: Callable[[Event], object], *, threads: int, seconds: float) -> list[Storing]:
    """Store for so many seconds, and interrupt one of the threads :data:`PER_SECOND` times a second.

    :raises AssertionError: if one of them hangs.
    """
    storing = [Storing(sink, f"thread{number}") for number in range(threads)]
    chosen = random.Random(19)
    pause = threading.Event()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        chosen.choice(storing).interrupt()
        pause.wait(1 / PER_SECOND)
    for each in storing:
        each.is_over = True
    deadline = time.monotonic() + _JOIN
    for each in storing:
        each.thread.join(max(0.0, deadline - time.monotonic()))
    assert not [each for each in storing if each.thread.is_alive()], "threads hang"
    return storing
