"""Points of the contract about threads: a server calls its sink from all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ...events import Event
from ...sinks.base import is_down
from ..compare import name_of
from .arrivals import Deviation
from .bench import Bench, Skip
from .calls import CALL_LIMIT
from .interleave import meet, started, switch_interval

_THREADS, _EVENTS = 16, 4
# Seconds. What raises after such a wait was not its turn in time, as in a locked SQLite; a race raises at once.
_WAITED = 1.0
#: Seconds for which a thread keeps the interpreter: threads take turns as often as it can let them.
EAGER = 1e-6


class Answers:
    """What calls on several threads came to.

    :ivar stored: the events whose calls returned.
    :ivar untold: those whose calls said that the sink is down, or waited in vain; they may be there or not.
    :ivar refused: those whose calls raised anything else.
    :ivar pending: those whose calls have not ended.
    """

    def __init__(self) -> None:
        self.stored: list[Event] = []
        self.untold: list[Event] = []
        self.refused: list[Event] = []
        self.pending: list[Event] = []
        self._errors: dict[str, Exception] = {}

    def ask(self, bench: Bench, *events: Event, as_batch: bool = False) -> None:
        """Give the sink *events*, in one call, and note the answer."""
        self.pending += events
        began = time.monotonic()
        error = bench.give_in_turn(events) if as_batch else bench.give(events[0])
        if error is None:
            self.stored += events
        else:
            self._errors |= {event["messageId"]: error for event in events}
            waited = is_down(error) or time.monotonic() - began > _WAITED
            (self.untold if waited else self.refused).extend(events)
        for event in events:
            self.pending.remove(event)

    def calls(self, bench: Bench, events: Sequence[Event]) -> list[Callable[[], None]]:
        """Return a function for each of *events*, which asks the sink with it."""
        return [partial(self.ask, bench, event) for event in events]

    def unserved(self) -> list[Event]:
        """Return the events whose calls raised."""
        return [*self.untold, *self.refused]

    def error_of(self, event: Event) -> Exception:
        """Return what the call with *event* raised."""
        return self._errors[event["messageId"]]

    def forget_errors(self) -> None:
        """Forget the calls that raised: it has been told what is wrong with that, if anything is."""
        self.untold, self.refused = [], []

    def deviations(
        self, bench: Bench, where: str, *, maybe: Sequence[Event] = (), orders: Sequence[Sequence[Event]] = ()
    ) -> Iterator[Deviation]:
        """Yield what is wrong with the answers, and with what came.

        :param maybe: further events that may be there or not.
        :param orders: lists of events, each of which has to come in its order.
        """
        hung = list(self.pending)
        if hung:
            yield Deviation(f"{where}, {len(hung)} calls did not return: they wait for each other. Bound each wait")
        if self.refused:
            first = self.refused[0]
            yield Deviation(
                f"{where}, {len(self.refused)} calls raised; the first was {name_of(first)}, with "
                f"{self.error_of(first)!r}. A server calls its sink from all of its threads: use a lock, or a "
                "connection for each thread"
            )
        if self.untold and not self.stored:
            yield Deviation(f"{where}, not one event was taken")
        untold = [*self.untold, *self.refused, *hung, *maybe]
        found = list(bench.came(self.stored, maybe=untold, orders=orders))
        yield from (each.where(where) for each in found)
        if found and found[0].kind:
            yield Deviation("use a lock around what the calls share, if each of them is in order alone", found[0].kind)


def at_the_same_time(bench: Bench) -> Iterator[Deviation]:
    """Sixteen threads begin at once and store one event after another, each in its order."""
    need_threads(bench)
    answers = Answers()
    events = [[bench.event() for _ in range(_EVENTS)] for _ in range(_THREADS)]
    together = threading.Barrier(_THREADS)

    def store(own: list[Event]) -> None:
        together.wait(CALL_LIMIT)
        for event in own:
            answers.ask(bench, event)

    with switch_interval(EAGER):
        join(started([partial(store, own) for own in events]))
    yield from answers.deviations(bench, f"with {_THREADS} threads", orders=events)


def interrupted_anywhere(bench: Bench) -> Iterator[Deviation]:
    """A call is stopped in front of each of its instructions, and meets another call there."""
    need_threads(bench)
    answers = Answers()

    def make_call() -> Callable[[], None]:
        event = bench.event()
        return lambda: answers.ask(bench, event)

    def make_batch() -> Callable[[], None]:
        events = bench.event(), bench.event()
        return lambda: answers.ask(bench, *events, as_batch=True)

    meet(bench.sink, make_call)
    if bench.takes_batches and not bench.shares_writes:  # otherwise, an event is a batch, too
        meet(bench.sink, make_batch)
    yield from answers.deviations(bench, "where one thread was interrupted in a call by another one's")


def need_threads(bench: Bench) -> None:
    """Raise :class:`.bench.Skip` for a sink that belongs to one thread."""
    if not bench.flags.thread_safe:
        raise Skip("thread_safe=False")


def join(threads: Sequence[threading.Thread]) -> None:
    """Wait until *threads* have ended, or none of them can have got on any more."""
    deadline = time.monotonic() + _EVENTS * CALL_LIMIT / 2
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
