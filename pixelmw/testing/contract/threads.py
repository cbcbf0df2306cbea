"""Points of the contract about threads: a server calls its sink from all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from ...events import Event
from ...sinks.base import BatchSink, is_down
from ..compare import name_of
from .arrivals import Deviation
from .bench import Bench, Skip
from .calls import CALL_LIMIT
from .interleave import meet, started, switch_interval

_THREADS, _EVENTS = 8, 4
# Seconds. What raises after such a wait was not its turn in time, as in a locked SQLite; a race raises at once.
_WAITED = 1.0
_EAGER = 1e-6  # seconds; as often as the interpreter can, threads take turns


class Answers:
    """What calls on several threads came to.

    :ivar stored: the events whose calls returned.
    :ivar untold: those whose calls said that the sink is down, or waited in vain; they may be there or not.
    :ivar refused: those whose calls raised anything else, and what.
    """

    def __init__(self) -> None:
        self.stored: list[Event] = []
        self.untold: list[Event] = []
        self.refused: list[tuple[Event, Exception]] = []
        self.pending: list[Event] = []

    def ask(self, bench: Bench, *events: Event, as_batch: bool = False) -> None:
        """Give the sink *events*, in one call, and note the answer."""
        self.pending += events
        began = time.monotonic()
        error = bench.give_batch(events) if as_batch else bench.give(events[0])
        if error is None:
            self.stored += events
        elif is_down(error) or time.monotonic() - began > _WAITED:
            self.untold += events
        else:
            self.refused += [(event, error) for event in events]
        for event in events:
            self.pending.remove(event)

    def deviations(self, bench: Bench, where: str) -> Iterator[Deviation]:
        """Yield what is wrong with the answers, and with what came."""
        hung = list(self.pending)
        if hung:
            yield Deviation(f"{where}, {len(hung)} calls did not return: they wait for each other. Bound each wait")
        if self.refused:
            event, error = self.refused[0]
            yield Deviation(
                f"{where}, {len(self.refused)} calls raised; the first was {name_of(event)}, with {error!r}. A server "
                "calls its sink from all of its threads: use a lock, or a connection for each thread"
            )
        if self.untold and not self.stored:
            yield Deviation(f"{where}, not one event was taken")
        untold = [*self.untold, *(event for event, _ in self.refused), *hung]
        found = list(bench.came(self.stored, maybe=untold, in_order=False))
        yield from (each.where(where) for each in found)
        if found and found[0].kind:
            yield Deviation("use a lock around what the calls share, if each of them is in order alone", found[0].kind)


def at_the_same_time(bench: Bench) -> Iterator[Deviation]:
    """Eight threads begin at once and store one event after another."""
    _need_threads(bench)
    answers = Answers()
    events = [[bench.event() for _ in range(_EVENTS)] for _ in range(_THREADS)]
    together = threading.Barrier(_THREADS)

    def store(own: list[Event]) -> None:
        together.wait(CALL_LIMIT)
        for event in own:
            answers.ask(bench, event)

    with switch_interval(_EAGER):
        _run([lambda own=own: store(own) for own in events])  # type: ignore[misc]  # mypy cannot infer the default
    yield from answers.deviations(bench, f"with {_THREADS} threads")


def interrupted_anywhere(bench: Bench) -> Iterator[Deviation]:
    """A call is stopped in front of each of its instructions, and meets another call there."""
    _need_threads(bench)
    answers = Answers()

    def make_call() -> Callable[[], None]:
        event = bench.event()
        return lambda: answers.ask(bench, event)

    def make_batch() -> Callable[[], None]:
        events = bench.event(), bench.event()
        return lambda: answers.ask(bench, *events, as_batch=True)

    meet(bench.sink, make_call)
    if bench.takes_batches and type(bench.sink).__call__ is not BatchSink.__call__:  # which is one call of write
        meet(bench.sink, make_batch)
    yield from answers.deviations(bench, "where one thread was interrupted in a call by another one's")


def _need_threads(bench: Bench) -> None:
    if not bench.flags.thread_safe:
        raise Skip("thread_safe=False")


def _run(calls: list[Callable[[], None]]) -> None:
    """Make *calls* on a thread each, until all have ended or none of them can have got on any more."""
    threads = started(calls)
    deadline = time.monotonic() + _EVENTS * CALL_LIMIT / 2
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
