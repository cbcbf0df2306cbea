"""Threads into which exceptions are thrown from outside, at any line of theirs."""

from __future__ import annotations

import ctypes
import logging
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pixelmw.testing.contract.untraced import untraced

#: What an ended call left open may be noticed later.
MARKS = [pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]


class Interrupt(BaseException):
    """What is thrown into a thread, as a server or a debugger does that wants to end what it runs."""


@pytest.fixture
def quiet_log() -> Iterator[None]:
    """Nothing is logged: handlers of Python 3.11 and 3.12 keep their lock if an exception arrives at certain lines."""
    logger = logging.getLogger("pixelmw.sinks")
    logger.disabled = True
    yield
    logger.disabled = False


def call_and_interrupt(
    call: Callable[[str], object], *, threads: int = 8, rate: float = 500.0, seconds: float = 1.0
) -> list[str]:
    """Call *call* with one name after another from several threads, while exceptions are thrown into them.

    :param rate: exceptions a second.
    :returns: the names of the calls that returned.
    """
    told: list[str] = []
    is_over = threading.Event()

    def run(thread: int) -> None:
        number = 0
        while not is_over.is_set():
            try:
                while not is_over.is_set():
                    number += 1
                    name = f"{thread}-{number}"
                    call(name)
                    told.append(name)
            except BaseException as error:
                if not isinstance(error, Interrupt | Exception):
                    raise

    _interrupt(run, is_over, threads, rate, seconds)
    return told


def _interrupt(
    run: Callable[[int], object], is_over: threading.Event, threads: int, rate: float, seconds: float
) -> None:
    """Start the threads, throw exceptions into them for so many seconds, and wait for their ends."""
    with untraced() as found, _nothing_is_said():
        running = [threading.Thread(target=run, args=[number], daemon=True) for number in range(threads)]
        for thread in running:
            thread.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            victim = random.choice(running).ident
            assert victim is not None
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(victim), ctypes.py_object(Interrupt))
            time.sleep(random.expovariate(rate))
        time.sleep(0.05)  # the last ones arrive
        is_over.set()
        until = time.monotonic() + 20
        for thread in running:
            thread.join(max(0.0, until - time.monotonic()))
        found.hangs = any(thread.is_alive() for thread in running)
    assert not found.hangs, "a thread hangs"


@contextmanager
def _nothing_is_said() -> Iterator[None]:
    """Say nothing of an exception that arrives in a callback of the interpreter's, or where a thread just ends.

    pytest's hooks take a while in that thread, and the next exception may arrive in them.
    """
    usual = threading.excepthook, sys.unraisablehook
    threading.excepthook = lambda arguments: None
    sys.unraisablehook = lambda unraisable: None
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = usual
