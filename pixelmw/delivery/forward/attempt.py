"""One batch for a sink: the search of ``sinks.together`` for the events at fault, and what it says about each item."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, overload

from ...events import Event, Sink
from ...sinks.base import PartialFailure, Undeliverable, is_down, takes_batches
from ...sinks.together.lines import timeout_of
from ...sinks.together.search import MAX_UNKNOWN_ERRORS, Search, next_try
from ...system.failures import forget_tracebacks
from .call_clock import CallClock
from .error_words import ErrorWords
from .item import Item
from .proof import MAX_REFUSALS


class Outcome(NamedTuple):
    """What became of a batch. Each item is in *taken*, *refused*, *overtaken* or *left*, in the order of the batch.

    :ivar taken: the sink has them.
    :ivar refused: ``Undeliverable``, alone or by name.
    :ivar refused_last: those of them that stand behind the last one that was taken.
    :ivar overtaken: they failed with another error, alone or by name, and one behind them was taken.
    :ivar left: they failed, and none behind them was taken, or they were not tried.
    :ivar down: the error that says that the sink is down.
    :ivar doubt: the error of the first of those *left* that failed alone or by name, with an unknown error.
    :ivar last: the last error of all.
    :ivar failed_calls: calls of the sink that failed, and whose events were or are to be tried again.
    """

    taken: list[Item]
    refused: list[Item]
    refused_last: list[Item]
    overtaken: list[Item]
    left: list[Item]
    down: Exception | None
    doubt: Exception | None
    last: Exception | None
    failed_calls: int


class _Events(Sequence[Event]):
    """The events of items, each a new dict whenever it is asked for, so that a sink can change none of them."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._asked_for: list[Item] = []

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, place: int) -> Event: ...
    @overload
    def __getitem__(self, place: slice) -> list[Event]: ...
    def __getitem__(self, place: int | slice) -> Event | list[Event]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        self._asked_for.append(self._items[place])
        return self._items[place].make_event()

    def last_asked_for(self) -> list[Item]:
        """Return the items whose events were asked for since the last call of this."""
        asked_for, self._asked_for = self._asked_for, []
        return asked_for


def attempt(sink: Sink, batch: Sequence[Item], calls: CallClock, *, taken_so_far: int) -> Outcome:
    """Have *sink* store *batch*, and note on each item the failure that it met.

    Each try is one call of its ``write``, so that others get their turn between two of them. All of them together take
    about as long as a ``write`` may take, and what was not tried by then is left.

    :param calls: makes the calls, and is told what is tried and taken.
    :param taken_so_far: how many events the sink has taken in all.
    """
    write = calls.writer(sink)
    events = _Events(batch)
    search = Search(
        events,
        deadline=time.monotonic() + timeout_of(sink),
        changes_events=False,  # each try has new ones
        max_unknown_errors=MAX_UNKNOWN_ERRORS,
        max_refusals=MAX_REFUSALS,
    )
    each_alone = not takes_batches(sink)
    tries = search.tries()
    tried = next(tries, None)
    last: Exception | None = None
    failed_calls = 0
    while tried is not None:
        items = events.last_asked_for()
        calls.begin_try(items)
        error = _call(write, tried)
        calls.end_try(_taken(items, error))
        if error is not None:
            last = error
            failed_calls += len(items) > 1 or not isinstance(error, Undeliverable)
            _note_failures(items, error, taken_so_far, each_alone=each_alone)
        tried = next_try(tries, error)
    return _outcome(batch, search.failures, last, failed_calls)


def _call(write: Callable[[Sequence[Event]], object], events: Sequence[Event]) -> Exception | None:
    try:
        write(events)
    except BaseException as raised:
        error = as_exception(raised)
        forget_tracebacks(error)  # nobody is shown them, and they would keep the events of each call
        return error
    return None


def _taken(items: Sequence[Item], error: Exception | None) -> Sequence[Item]:
    """Return those of *items*, which were tried together, that the sink has taken."""
    if error is None:
        return items
    if isinstance(error, PartialFailure) and error.fits(len(items)):
        return [item for place, item in enumerate(items) if place not in error.failures]
    return []


def _note_failures(items: Sequence[Item], error: Exception, taken_so_far: int, *, each_alone: bool) -> None:
    """Note on each of *items*, which were tried together, the error that it met, if that is known."""
    alone = each_alone or len(items) == 1
    payloads = [item.payload for item in items]
    if isinstance(error, PartialFailure) and error.fits(len(items)):
        for place, each in error.failures.items():
            if (known := each or (error if len(items) == 1 else None)) is not None:
                items[place].note_failure(known, ErrorWords(known, payloads), taken_so_far, alone=alone)
    elif len(items) == 1 or is_down(error):
        words = ErrorWords(error, payloads)
        for item in items:
            item.note_failure(error, words, taken_so_far, alone=alone)


def _outcome(
    batch: Sequence[Item], failures: Mapping[int, Exception | None], last: Exception | None, failed_calls: int
) -> Outcome:
    outcome = Outcome([], [], [], [], [], None, None, last, failed_calls)
    last_taken = max((place for place in range(len(batch)) if place not in failures), default=-1)
    errors: list[Exception | None] = []
    for place, item in enumerate(batch):
        error = failures.get(place)
        if place not in failures:
            outcome.taken.append(item)
        elif isinstance(error, Undeliverable):
            outcome.refused.append(item)
            if place > last_taken:
                outcome.refused_last.append(item)
        elif error is not None and not is_down(error) and place < last_taken:
            outcome.overtaken.append(item)
        else:
            outcome.left.append(item)
            errors.append(error or (last if len(batch) == 1 else None))
    down = next((error for error in errors if is_down(error)), None)
    doubt = next((error for error in errors if error is not None and not is_down(error)), None)
    return outcome._replace(down=down, doubt=doubt)


def as_exception(raised: BaseException) -> Exception:
    """Return what a sink raised as an ``Exception``: on a thread of ours, ``SystemExit`` must end the call only.

    :raises BaseException: *raised* itself on the main thread, if it is to end the process.
    """
    if isinstance(raised, Exception):
        return raised
    if threading.current_thread() is threading.main_thread():
        raise raised
    return RuntimeError(f"a sink raised {raised!r}")
