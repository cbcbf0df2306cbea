"""Stores a batch: the one way into a sink, for visitors and for workers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import MethodType

from ...events import Event, Sink
from ...system.callables import raise_if_unfinished
from ...system.groupcommit import NotBegun, Unknown
from ..errors import PartialFailure, Unavailable, is_down, raise_failures
from .blame import call_write, judge, write_without_turns
from .lines import DEFAULT_LANES, Visit, Write, line_of, timeout_of
from .places import note_batch
from .search import MAX_UNKNOWN_ERRORS

logger = logging.getLogger("pixelmw.sinks")

_BARE = "_pixelmw_bare"  # functools.wraps copies it, together with the function that it is about


class Busy(Unavailable):
    """Others had their turns for so long that nothing was begun."""


def store(sink: Sink, events: Sequence[Event], *, worker: bool = False) -> None:
    """Store *events* in *sink*, in order; return once all of them are stored.

    A sink with a ``write`` gets them in its turn, together with those of others
    who wait. A plain callable is called with each event, in this thread.

    :param worker: True for a thread that brings batch after batch, and
        searches for the events at fault by itself, in later batches. Visitors
        go first, and its batch is one call of ``write``, whose error is raised
        as it is. A plain callable is not called with the rest after an error.
    :raises PartialFailure: where some of the events were not stored: the error
        of each, or ``None`` for one that was not tried.
    :raises Exception: the error itself, of a single event, or where all of
        them failed because the sink is down.
    :raises Unavailable: if others kept the sink busy for ``timeout`` seconds.
    :raises RuntimeError: from within a ``write`` of *sink*, or from a handler of a signal in a thread that waits here.
    """
    if events:
        try:
            _store(sink, events, worker)
        except PartialFailure as failure:
            note_batch(failure, events)
            raise


def _store(sink: Sink, events: Sequence[Event], worker: bool) -> None:
    write: Write | None = getattr(sink, "write", None)
    if not callable(write):
        raise_failures(_call_with_each(sink, events, stop_at_once=worker), len(events))
    elif getattr(sink, "lanes", DEFAULT_LANES) is None:
        if worker or len(events) == 1 or getattr(sink, "judges_each", False):
            call_write(write, events)
        else:
            write_without_turns(sink, write, events)
    else:
        # Of the very method that was made to take a turn, and not of one that somebody has wrapped around it.
        if type(write) is MethodType and write.__self__ is sink and (bare := bare_write(write.__func__)) is not None:
            write = MethodType(bare, sink)  # which does not look once more whether it has a turn
        _take_turn(sink, write, events, once=worker)


def mark_as_in_turn(in_turn: Callable[..., object], bare: Callable[..., object]) -> None:
    """Note that *in_turn* takes a turn, and calls *bare* in it."""
    in_turn.__dict__[_BARE] = in_turn, bare


def bare_write(function: Callable[..., object]) -> Callable[..., object] | None:
    """Return what *function* calls in its turn; ``None`` if it takes none, or was wrapped around one that does."""
    in_turn, bare = getattr(function, "__dict__", {}).get(_BARE, (None, None))
    return bare if in_turn is function else None


def write_in_turn(sink: object, write: Write, events: Sequence[Event]) -> None:
    """Call *write* once, which is the ``write`` of the class of *sink* or of a base of it, in a turn of *sink*.

    :raises Exception: what it raised.
    :raises Unavailable: if others kept the sink busy for ``timeout`` seconds.
    """
    _take_turn(sink, write, events, once=True)


def _take_turn(sink: object, write: Write, events: Sequence[Event], *, once: bool) -> None:
    """Wait for a turn, and have the events stored; raises as :func:`store` does."""
    line, timeout = line_of(sink, judge), timeout_of(sink)
    visit = Visit(sink, write, events, once, timeout, time.monotonic(), threading.get_ident())
    try:
        line.group(visit, weight=len(events), behind=once, patience=timeout)
    except NotBegun as error:
        if error.is_stuck and line.log_throttle.allows("stuck"):
            logger.error("%r %s without an end; until it ends, nothing is stored there", sink, error)
        raise Unavailable(f"{sink!r} {error}") from None
    except Unknown as error:
        raise Unavailable(f"{sink!r}: {error}") from None


def is_inside(sink: object) -> bool:
    """Return True if this thread has a turn of *sink*."""
    return line_of(sink, judge).group.lanes.is_inside()


def waiting(sink: object) -> int:
    """Return how many calls of :func:`store` wait for a turn of *sink* in this process."""
    return line_of(sink, judge).group.waiting


@contextmanager
def alone(sink: object, timeout: float | None = None) -> Iterator[None]:
    """Keep every ``write`` and ``close`` of *sink* out within the block, but those of this thread.

    :param timeout: seconds to wait for those that are under way; ``None`` for twice the time that one may take.
    :raises Busy: if they took longer.
    """
    try:
        with line_of(sink, judge).group.lanes.alone(2 * timeout_of(sink) if timeout is None else timeout):
            yield
    except NotBegun as error:
        raise Busy(f"{sink!r} {error}") from None


def _call_with_each(sink: Sink, events: Sequence[Event], *, stop_at_once: bool) -> dict[int, Exception | None]:
    failures: dict[int, Exception | None] = {}
    in_a_row = 0
    for place, event in enumerate(events):
        try:
            raise_if_unfinished("sink", sink, sink(event))
            in_a_row = 0
        except Exception as error:
            failures[place] = error
            in_a_row += 1
            if stop_at_once or is_down(error) or in_a_row >= MAX_UNKNOWN_ERRORS:
                return failures | dict.fromkeys(range(place + 1, len(events)))
    return failures
