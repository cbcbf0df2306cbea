"""Calls a ``write`` for everybody who shares it, and finds out whose fault a failure is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from ...events import Event
from ...system.callables import raise_if_unfinished
from ...system.errors import copy_of
from ...system.failures import forget_shared, share
from ...system.words import private_in_events
from ..errors import PartialFailure, error_of, is_down, raise_failures
from .lines import Line, Visit, Write, timeout_of
from .places import failure_within
from .search import MAX_UNKNOWN_ERRORS, Search, next_try, untried

# Up to so many events may come from visitors, since a server has no more threads. Many in a row may have a fault of
# their own: then all are tried.
_FEW = 64


def judge(line: Line, visits: list[Visit]) -> Mapping[int, Exception]:
    """Store the events of all *visits*, and return what each is to be told, if not all of its events are stored.

    :raises Exception: what a single visit is to be told.
    """
    first = visits[0]
    if len(visits) == 1 and (first.once or len(first.events) == 1):
        try:
            _call_write(line, first, first.events)
        except PartialFailure as failure:
            if first.once:
                raise
            raise (failure.failures.get(0) or failure) from None
        return {}
    events = [event for visit in visits for event in visit.events]
    deadline = min(visit.came for visit in visits) + first.timeout
    failures = _search(lambda batch: _failure_of(line, first, batch), first.sink, events, deadline)
    return _told(visits, failures) if failures else {}


def write_without_turns(sink: object, write: Write, events: Sequence[Event]) -> None:
    """Store *events*, which may be those of several visitors, in a sink that looks after itself.

    :raises Exception: as :func:`.store`.
    """

    def failure_of(batch: Sequence[Event]) -> Exception | None:
        try:
            call_write(write, batch)
        except Exception as error:
            return error
        return None

    raise_failures(_search(failure_of, sink, events, time.monotonic() + timeout_of(sink)), len(events))


def _search(
    failure_of: Callable[[Sequence[Event]], Exception | None], sink: object, events: Sequence[Event], deadline: float
) -> Mapping[int, Exception | None]:
    """Store *events*, and return the errors of those that are not stored, by their places.

    :param failure_of: stores a part of them, and returns what that raised.
    """
    search = Search(
        events,
        deadline=deadline,
        changes_events=not type(sink).__module__.startswith("pixelmw."),
        max_unknown_errors=MAX_UNKNOWN_ERRORS if len(events) > _FEW else len(events),
    )
    tries = search.tries()
    batch = next(tries, None)
    while batch is not None:
        batch = next_try(tries, failure_of(batch))
    return search.failures


def call_write(write: Write, events: Sequence[Event]) -> None:
    """Call *write* with a list of *events*, which it may change.

    :raises Exception: what it raised; the places of a ``PartialFailure`` are those in *events*.
    """
    try:
        raise_if_unfinished("write", write, write([*events]))
    except PartialFailure as failure:
        if (error := failure_within(failure, events)) is failure:
            raise
        raise error from None


def _failure_of(line: Line, visit: Visit, events: Sequence[Event]) -> Exception | None:
    try:
        _call_write(line, visit, events)
    except Exception as error:
        return error
    return None


def _call_write(line: Line, visit: Visit, events: Sequence[Event]) -> None:
    """Call the ``write`` of *visit* once; if it turns out to hang, answer all who wait."""
    began, stored_before = time.monotonic(), line.stored
    try:
        call_write(visit.write, events)
    except PartialFailure as failure:
        line.stored += len(failure.failures) < len(events)
        raise
    except Exception as error:
        forget_shared(error)
        hangs = is_down(error) and time.monotonic() - began >= visit.timeout / 2 and line.stored == stored_before
        if hangs or len(events) > 1:
            share(error, lambda: private_in_events([*events]))
        if hangs:
            line.group.answer_waiting(error)
        raise
    line.stored += 1


def _told(visits: Sequence[Visit], failures: Mapping[int, Exception | None]) -> dict[int, Exception]:
    """Return what each visit is to be told, by its number; of an error that several share, each has a copy."""
    own_thread = threading.get_ident()
    told = {}
    given: set[int] = set()  # errors that somebody has, by their ids
    place = 0
    # The leader comes first: the traceback of what was raised is his.
    order = sorted(range(len(visits)), key=lambda number: visits[number].thread != own_thread)
    starts = []
    for visit in visits:
        starts.append(place)
        place += len(visit.events)
    for number in order:
        start, count = starts[number], len(visits[number].events)
        own = {place: failures[start + place] for place in range(count) if start + place in failures}
        if not own:
            continue
        if count == 1 and own[0] is None:
            own[0] = untried()
        copies = {id(error): copy_of(error) for error in own.values() if error is not None and id(error) in given}
        given |= {id(error) for error in own.values()}
        told[number] = error_of({place: copies.get(id(error), error) for place, error in own.items()}, count)
    return told
