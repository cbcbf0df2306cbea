"""Points of the contract about turns: visitors, a wrapper's worker and ``close`` may come at the same moment."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from functools import partial

from ...events import Event
from ...sinks.base import call_within
from ..compare import name_of
from .arrivals import Deviation
from .bench import Bench, Skip
from .calls import CALL_LIMIT
from .gate import GATHERING, closed_gate
from .interleave import started, switch_interval
from .processes import store_and_exit, words_of_child
from .threads import EAGER, Answers, join, need_threads

_VISITORS, _EVENTS, _BATCHES, _OF_A_BATCH = 6, 8, 6, 5
_MOST_CLOSES, _PAUSE = 8, 0.002  # and seconds between two of them
_FORKS = 2


def beside_a_worker(bench: Bench) -> Iterator[Deviation]:
    """Visitors store while a worker brings its batches, and while the sink is closed again and again."""
    need_threads(bench)
    bench.need_batches()
    answers = Answers()
    own = [[bench.event() for _ in range(_EVENTS)] for _ in range(_VISITORS)]
    batches = [[bench.event() for _ in range(_OF_A_BATCH)] for _ in range(_BATCHES)]
    failed: list[Exception] = []
    over = threading.Event()
    together = threading.Barrier(_VISITORS + 2)

    def visit(events: list[Event]) -> None:
        together.wait(CALL_LIMIT)
        for event in events:
            answers.ask(bench, event)

    def work() -> None:
        together.wait(CALL_LIMIT)
        for batch in batches:
            answers.ask(bench, *batch, as_batch=True)

    def close() -> None:
        together.wait(CALL_LIMIT)
        for _ in range(_MOST_CLOSES if bench.flags.reopens and hasattr(bench.sink, "close") else 0):
            try:
                call_within(CALL_LIMIT, bench.method("close"))
            except Exception as error:
                failed.append(error)
            if over.wait(_PAUSE):
                break

    with switch_interval(EAGER):
        closing = started([close])
        join(started([*(partial(visit, events) for events in own), work]))
        over.set()
        join(closing)
    where = "where a worker's batches, visitors and close met"
    if failed:
        yield Deviation(f"{where}, close raised {failed[0]!r}. Let it wait for the calls that are under way")
    # A wrapper opens another queue after close, and promises no order across that.
    orders = [*own, [event for batch in batches for event in batch]] if bench.shares_writes else []
    yield from answers.deviations(bench, where, orders=orders)


def forked_in_a_call(bench: Bench) -> Iterator[Deviation]:
    """A process is forked while one of its threads stores: nothing is lost by that, and nothing is there twice."""
    need_threads(bench)
    if not bench.flags.survives_fork:
        raise Skip("survives_fork=False")
    if not hasattr(os, "fork"):
        raise Skip("this system has no fork")
    if not bench.takes_batches:
        raise Skip("the sink has no write: no fork waits for its calls, since they come in no turns")
    answers, children = Answers(), Answers()
    yield from bench.store(before := bench.event())
    yield from bench.flush()
    for _ in range(_FORKS):
        words, event = _store_in_child(bench, answers)
        if words:
            yield Deviation(
                f"in a child that was forked while its parent stored, {name_of(event)} was not stored: {words}. A lock "
                "that another thread holds stays locked in a child, and what it was about to store is the parent's: "
                "make locks and buffers anew where os.getpid() has changed"
            )
            children.untold.append(event)
            break
        children.stored.append(event)
    answers.stored += [before, *children.stored]
    yield from answers.deviations(bench, "where a process was forked while it stored", maybe=children.untold)


def _store_in_child(bench: Bench, answers: Answers) -> tuple[str, Event]:
    """Fork while calls are held up in ``write``; return what went wrong in the child, and its event."""
    of_child = bench.event()
    reading, writing = os.pipe()
    calls = answers.calls(bench, [bench.event() for _ in range(bench.lanes + 1)])
    try:
        with closed_gate(bench.sink, bench.lanes) as gate:
            threads = started(calls)
            gate.wait_for_writes(bench.lanes, GATHERING)
            pid = _fork()
            if pid == 0:
                gate.open()
                store_and_exit(bench, of_child, writing)
            gate.open()
    except Skip:
        threads = started(calls)
        pid = _fork()
        if pid == 0:
            store_and_exit(bench, of_child, writing)
    os.close(writing)
    words = words_of_child(pid, reading)
    join(threads)
    return words, of_child


def _fork() -> int:
    with warnings.catch_warnings():
        # A process with threads may deadlock in its child: that is what is looked for here.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()
