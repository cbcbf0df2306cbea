"""A point of the contract about exceptions from outside: a server may end a thread anywhere, within any call."""

from __future__ import annotations

import ctypes
import gc
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import takewhile

from ...events import Event
from .arrivals import Deviation
from .bench import Bench, Skip
from .gate import GATHERING, closed_gate
from .threads import Answers, need_threads
from .untraced import untraced

# Seconds: how long it goes on, and between two exceptions. Each of the threads stores so many events at most.
_SECONDS, _PAUSE = 0.4, 0.001
_THREADS, _EVENTS = 4, 1000
_ENDING = 15.0  # seconds for the calls that are under way at the end: more than any time-out of ours
_SEED = 1  # so that the same threads are chosen on each run


class Interrupted(BaseException):
    """Raised in a thread from outside. It is no ``Exception``, as what ends a thread or a greenlet is none."""


def from_outside(bench: Bench) -> Iterator[Deviation]:
    """Exceptions are raised in threads that store: no other thread hangs, and what was acknowledged is stored.

    First in the thread that is in ``write`` and in one that waits behind it, if
    ``write`` can be held up, and then at random.
    """
    need_threads(bench)
    if not bench.flags.interruptible:
        raise Skip("interruptible=False")
    if not hasattr(ctypes, "pythonapi"):
        raise Skip("this interpreter has no way to raise an exception in another thread")
    answers = Answers()
    given: list[Event] = []
    hung = 0
    with _quiet(), untraced() as found:
        yield from bench.store(first := bench.event())
        yield from bench.flush()
        answers.stored.append(first)
        for victim in (0, 1):
            with suppress(Skip):
                hung = hung or _hold_up_and_interrupt(bench, answers, given, victim)
        hung = hung or _interrupt_at_random(bench, answers, given)
        found.hangs = hung > 0
    if hung:
        yield Deviation(
            f"after exceptions were raised in threads from outside, {hung} of {_THREADS} hang. Give back each lock and "
            "each connection in finally or with: a server may end a thread within any call",
            "hung",
        )
        return
    answers.ask(bench, bench.event())
    yield from answers.deviations(bench, "after exceptions were raised in threads from outside", maybe=given)


@contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of what is left of a call that was ended: an open socket, or an exception in a destructor."""
    usual = sys.unraisablehook
    sys.unraisablehook = lambda unraisable: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            yield
            gc.collect()
    finally:
        sys.unraisablehook = usual


def _hold_up_and_interrupt(bench: Bench, answers: Answers, given: list[Event], victim: int) -> int:
    """Hold a call up in ``write``, let others come, and end one of the threads; return how many hang.

    :param victim: 0 for the one that is in ``write``.
    """
    work = _store_one_after_another(bench, answers, given)
    with closed_gate(bench.sink, 1) as gate:
        threads = [_Interruptible(work, bench.event(), range(1))]
        gate.wait_for_writes(1, GATHERING)
        threads += [_Interruptible(work, bench.event(), range(1)) for _ in range(_THREADS - 1)]
        threading.Event().wait(GATHERING)
        threads[victim].interrupt()
    return _still_running(threads)


def _interrupt_at_random(bench: Bench, answers: Answers, given: list[Event]) -> int:
    """Let threads store, and raise exceptions in them; return how many hang."""
    over = threading.Event()
    work = _store_one_after_another(bench, answers, given)
    numbers = [takewhile(lambda _: not over.is_set(), range(_EVENTS)) for _ in range(_THREADS)]
    threads = [_Interruptible(work, bench.event(), each) for each in numbers]
    chosen = random.Random(_SEED)  # noqa: S311 - nothing secret
    began = time.monotonic()
    while time.monotonic() - began < _SECONDS and not all(thread.has_ended for thread in threads):
        over.wait(_PAUSE)
        threads[chosen.randrange(_THREADS)].interrupt()
    over.set()
    return _still_running(threads)


def _store_one_after_another(
    bench: Bench, answers: Answers, given: list[Event]
) -> Callable[[Event, Iterable[int]], None]:
    """Return a function that stores copies of an event, and notes what was given and what was stored."""

    def store(template: Event, numbers: Iterable[int]) -> None:
        for number in numbers:
            event = {**template, "messageId": f"{template['messageId']}-{number}"}
            given.append(event)
            if bench.give(event) is None:
                answers.stored.append(event)

    return store


def _still_running(threads: Sequence[_Interruptible]) -> int:
    ending = time.monotonic() + _ENDING
    return sum(not thread.ends_by(ending) for thread in threads)


class _Interruptible:
    """A thread that goes on with *work* after each exception that is raised in it, until *work* returns.

    :ivar has_ended: True once it has returned.
    """

    def __init__(self, work: Callable[..., object], *arguments: object) -> None:
        self.has_ended = False
        self._work, self._arguments = work, arguments
        self._mutex = threading.Lock()
        # Guarded by the mutex. The next exception is raised once the last one has been caught, and none where the
        # thread begins or ends: one that nobody catches there would be somebody else's.
        self._is_ready = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def interrupt(self) -> None:
        """Raise :class:`Interrupted` in the thread, if it is at work."""
        with self._mutex:
            if self._is_ready:
                self._is_ready = False
                ident = ctypes.c_ulong(self._thread.ident or 0)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(Interrupted))

    def ends_by(self, deadline: float) -> bool:
        """Wait until *deadline* for the thread to end; return True if it has."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self.has_ended:
            try:
                with self._mutex:
                    self._is_ready = True
                self._work(*self._arguments)
                with self._mutex:
                    self._is_ready = False
                self.has_ended = True
            except Interrupted:
                continue
