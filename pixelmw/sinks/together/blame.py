"""Calls a ``write`` for everybody who shares it, and finds out whose fault a failure is."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from ...events import Event
from ...system.callables import raise_if_unfinished
from ...system.errors import copy_of
from ...system.failures import share, texts_in
from ..encoding import decode, encode, encode_each
from ..errors import PartialFailure, Unavailable, Undeliverable, error_of, is_down
from .lines import Line, Visit

#: If this many events fail alone with unknown errors, and no call in between stored anything, the other events are not
#: tried: the sink may be down without saying so, and the search would call it about twice for each event of the batch.
MAX_UNKNOWN_ERRORS = 8
# That is for the batches of workers. A batch of visitors has no more events than the server has threads, and among
# them may be that many in a row with a fault of their own: then all are tried.
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
    search = _Search(line, visits)
    search.store(range(len(search.events)))
    return _told(visits, search.failures) if search.failures else {}


def _call_write(line: Line, visit: Visit, events: Sequence[Event]) -> None:
    """Call the ``write`` of *visit* once; if it turns out to hang, answer all who wait."""
    began, stored_before = time.monotonic(), line.stored
    try:
        raise_if_unfinished("write", visit.write, visit.write(events))
    except PartialFailure as failure:
        line.stored += len(failure.failures) < len(events)
        raise
    except Exception as error:
        hangs = is_down(error) and time.monotonic() - began >= visit.timeout / 2 and line.stored == stored_before
        if hangs or len(events) > 1:
            share(error, lambda: texts_in([*events]))
        if hangs:
            line.group.answer_waiting(error)
        raise
    line.stored += 1


class _Search:
    """Stores the events of several visits, and halves the batch where that fails.

    :ivar failures: by the place of each event that was not stored, its error:
        the one that it met alone, the one that a ``PartialFailure`` has for it,
        or the one that says that the sink is down. ``None`` if it was not tried.
    """

    def __init__(self, line: Line, visits: Sequence[Visit]) -> None:
        self.events = [event for visit in visits for event in visit.events]
        self.failures: dict[int, Exception | None] = {}
        self._line = line
        self._visit = visits[0]
        self._deadline = min(visit.came for visit in visits) + self._visit.timeout
        self._texts: Mapping[int, bytes] | None = None  # of the events, if the write may change them
        if not type(self._visit.sink).__module__.startswith("pixelmw."):
            self._texts, refused = encode_each(encode, self.events)
            self.failures.update(refused)
        self._is_first_try = True
        self._unknown_errors = 0  # since a call stored something
        self._max_unknown_errors = MAX_UNKNOWN_ERRORS if len(self.events) > _FEW else _FEW
        self._is_over = False

    def store(self, places: Sequence[int]) -> None:
        """Store the events at *places*, or note why they were not stored."""
        places = [place for place in places if place not in self.failures]
        while places and not self._is_over and (self._is_first_try or time.monotonic() < self._deadline):
            error = self._try(places)
            if isinstance(error, PartialFailure):
                places = self._note_partial(places, error)
            elif error is None:
                self._unknown_errors = 0
                return
            elif is_down(error):
                self._is_over = True
                self._note(places, error)
                return
            elif len(places) == 1:
                self._note(places, error)
                self._count_unknown(error)
                return
            else:
                error = None  # its traceback has this frame
                half = len(places) // 2
                self.store(places[:half])
                self.store(places[half:])
                return
        self._note(places, None)

    def _try(self, places: Sequence[int]) -> Exception | None:
        try:
            _call_write(self._line, self._visit, self._events_at(places))
        except Exception as error:
            return error
        return None

    def _events_at(self, places: Sequence[int]) -> list[Event]:
        if self._is_first_try or self._texts is None:
            self._is_first_try = False
            return [self.events[place] for place in places]
        return [decode(self._texts[place]) for place in places]

    def _note(self, places: Sequence[int], error: Exception | None) -> None:
        self.failures.update(dict.fromkeys(places, error))

    def _note_partial(self, places: Sequence[int], failure: PartialFailure) -> list[int]:
        """Note the errors of *failure*; returns the places that were not tried, if they are to be tried now."""
        if not failure.fits(len(places)):
            self._note(places, failure if len(places) == 1 else None)
            return []
        errors = {places[place_in_part]: error for place_in_part, error in failure.failures.items()}
        self.failures |= errors
        untried = [place for place, error in errors.items() if error is None]
        known = [error for error in errors.values() if error is not None]
        if len(errors) < len(places):
            self._unknown_errors = 0
        for error in known:
            self._count_unknown(error)
        self._is_over = self._is_over or any(map(is_down, known))
        if len(untried) == len(places):
            return []
        for place in untried:
            del self.failures[place]
        return sorted(untried)

    def _count_unknown(self, error: Exception) -> None:
        if not isinstance(error, Undeliverable):
            self._unknown_errors += 1
            self._is_over = self._is_over or self._unknown_errors >= self._max_unknown_errors


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
            own[0] = Unavailable("the time for the events that came together was over before this one was tried")
        copies = {id(error): copy_of(error) for error in own.values() if error is not None and id(error) in given}
        given |= {id(error) for error in own.values()}
        told[number] = error_of({place: copies.get(id(error), error) for place, error in own.items()}, count)
    return told
