"""Makes two threads meet at every place of a sink's code, in place of waiting for the day on which they do.

One thread is stopped in front of one bytecode instruction of a call, another thread makes a whole call, and the first
one goes on. That is done for each instruction in turn. So a race of two calls that needs one switch of threads is found
for certain, and it is the same on each run.

==================  ===============================================  ============================
the first thread    the second thread                                then
==================  ===============================================  ============================
runs                                                                 it counts its instructions
stops at number k   begins a call                                    it waits for the second one
stopped             ends its call                                    it goes on
stopped             waits, probably for a lock of the first one      it goes on after a moment
has ended           ends its call                                    the next k
==================  ===============================================  ============================
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from .stop import Stopper, stopper

#: Instructions of a call that are tried. Of a longer call, it is as many, evenly spread.
MOST_POINTS = 200
# Seconds for all of them: a sink that syncs a disk takes some milliseconds for each call.
_BUDGET = 3.0
# Seconds for which the first thread stays stopped while the second, which has begun, does not come to an end: three
# calls' worth. A shorter one would go on before a slow call has met anything, or one on a busy machine; a longer one
# only waits for the lock that it holds.
_LEAST_STOP, _MOST_STOP, _CALLS_WORTH = 0.02, 0.25, 3
_LIMIT = 30.0  # seconds for a thread to end
# The first call of a function counts nothing, since only then is it known that it counts; and a call may take another
# way than the one that was counted.
_TRIES = 3
#: Seconds for which a thread keeps the interpreter, unless it waits: with this as the interval, a thread of the sink's
#: gets on only while flush waits for it, or while the store is read.
UNDISTURBED = 5.0


@contextmanager
def switch_interval(seconds: float) -> Iterator[None]:
    """Let the interpreter ask a running thread to let others run after so many seconds; 0.005 is usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def started(calls: Sequence[Callable[[], object]]) -> list[threading.Thread]:
    """Start a thread for each of *calls*. Each one runs before the next one is started.

    Under a tracer such as coverage, each thread installs it as it starts. Two that
    do so at the same moment fail in CPython 3.11: "Cannot install a trace function
    while another trace function is being installed".
    """
    threads = []
    for call in calls:
        runs = threading.Event()

        def run(call: Callable[[], object] = call, runs: threading.Event = runs) -> None:
            runs.set()
            call()

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        runs.wait(_LIMIT)
    return threads


def meet(sink: object, make_call: Callable[[], Callable[[], object]]) -> None:
    """Let two calls of *sink* meet at each of its instructions.

    :param make_call: returns a function that makes one call of the sink, with an event of its own, and never raises.
    """
    began = time.monotonic()
    with stopper(sink) as made:
        counted, took = max(_in_thread(lambda: made.run(make_call(), None, _do_nothing)) for _ in range(_TRIES))
        stop_for = min(max(_LEAST_STOP, took * _CALLS_WORTH), _MOST_STOP)
        for at in _evenly_spread(counted):
            if time.monotonic() - began > _BUDGET:
                break
            for _ in range(_TRIES):
                if _meet_at(made, make_call(), make_call(), at, stop_for):
                    break


def _meet_at(
    stopper: Stopper, first: Callable[[], object], second: Callable[[], object], at: int, stop_for: float
) -> bool:
    """Stop *first* in front of its instruction *at*, let *second* run, and let *first* go on.

    :returns: False if it did not stop.
    """
    stopped, begins, begun, over = (threading.Event() for _ in range(4))

    def stop() -> None:
        stopped.set()
        begins.set()
        begun.wait(_LIMIT)
        over.wait(stop_for)

    def run_first() -> None:
        try:
            stopper.run(first, at, stop)
        finally:
            begins.set()

    def run_second() -> None:
        begins.wait(_LIMIT)
        begun.set()
        try:
            second()
        finally:
            over.set()

    for thread in started([run_second, run_first]):
        thread.join(_LIMIT)
    return stopped.is_set()


def _in_thread(call: Callable[[], int]) -> tuple[int, float]:
    """Return what *call* returns on a thread of its own, and the seconds that it took."""
    results: list[tuple[int, float]] = [(0, 0.0)]

    def run() -> None:
        began = time.monotonic()
        results.append((call(), time.monotonic() - began))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_LIMIT)
    return results[-1]


def _evenly_spread(count: int) -> list[int]:
    """Return at most :data:`MOST_POINTS` of *count* numbers, in an order whose beginning is evenly spread, too."""
    step = max(1.0, count / MOST_POINTS)
    points = sorted({int(number * step) for number in range(min(count, MOST_POINTS))})
    return sorted(points, key=lambda point: point * 0.6180339887 % 1)


def _do_nothing() -> None:
    """Stop nowhere."""
