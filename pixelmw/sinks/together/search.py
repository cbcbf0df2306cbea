"""Finds the events at fault in a batch, by halving, and calls nothing itself: threads and tasks drive it alike."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Mapping, Sequence

from ...events import Event
from ..encoding import decode, encode, encode_each
from ..errors import PartialFailure, Unavailable, Undeliverable, is_down

#: If this many events fail alone with unknown errors, and no call in between stored anything, the other events are not
#: tried: the sink may be down without saying so, and the search would call it about twice for each event of the batch.
MAX_UNKNOWN_ERRORS = 8

#: Yields the events to try next; is sent their error, or ``None`` if they were stored.
Tries = Generator[list[Event], Exception | None, None]


class Untried(Unavailable):
    """The event was not tried, because of others: that says nothing about the sink."""


def untried() -> Untried:
    """Return what somebody is told whose event was not tried in the time of its batch."""
    return Untried("the time for the events that came together was over before this one was tried")


def next_try(tries: Tries, error: Exception | None) -> list[Event] | None:
    """Tell *tries* what the last try came to; returns the events to try next, or ``None`` if it is through."""
    try:
        return tries.send(error)
    except StopIteration:
        return None


class Search:
    """Says which events to try together, and keeps what came of it.

    An event is at fault only if it failed alone, or if a ``PartialFailure``
    names it. What says that the sink is down ends the search.

    :param deadline: on the monotonic clock; nothing but the first try is begun after it.
    :param changes_events: True if a ``write`` may change what it is given. Then each later try has new dicts.
    :param max_unknown_errors: how many unknown errors in a row end the search.
    :param max_refusals: how many ``Undeliverable`` in a row end the search, with nothing stored in between.
    :ivar failures: by the place of each event that was not stored, its error:
        the one that it met alone, the one that a ``PartialFailure`` has for it,
        or the one that says that the sink is down. ``None`` if it was not tried.
    """

    def __init__(
        self,
        events: Sequence[Event],
        *,
        deadline: float,
        changes_events: bool,
        max_unknown_errors: int,
        max_refusals: float = math.inf,
    ) -> None:
        self.failures: dict[int, Exception | None] = {}
        self._events = events
        self._deadline = deadline
        self._texts: Mapping[int, bytes] | None = None
        if changes_events:
            self._texts, refused = encode_each(encode, events)
            self.failures.update(refused)
        self._is_first_try = True
        self._unknown_errors = 0  # since a call stored something
        self._max_unknown_errors = max_unknown_errors
        self._refusals = 0  # since a call stored something
        self._max_refusals = max_refusals
        self._is_over = False

    def tries(self) -> Tries:
        """Yield the events of each try."""
        yield from self._store(range(len(self._events)))

    def _store(self, places: Sequence[int], known: Undeliverable | None = None) -> Tries:
        """Yield the tries of the events at *places*, and note why they were not stored.

        :param known: what was said of these events and of others, which were stored since: one of these is at fault.
        """
        places = [place for place in places if place not in self.failures]
        while places and not self._is_over and (self._is_first_try or time.monotonic() < self._deadline):
            error = known if known is not None and len(places) > 1 else (yield self._events_at(places))
            if isinstance(error, PartialFailure):
                places = self._note_partial(places, error)
            elif error is None:
                self._unknown_errors = self._refusals = 0
                return
            elif is_down(error):
                self._is_over = True
                self._note(places, error)
                return
            elif len(places) == 1:
                self._note(places, error)
                self._count(error)
                return
            else:
                known = error if isinstance(error, Undeliverable) else None
                error.__traceback__ = None  # which has the frames of who called, and of each raise of one instance
                error = None
                half = len(places) // 2
                yield from self._store(places[:half])
                blameless = self.failures.keys().isdisjoint(places[:half])
                yield from self._store(places[half:], known if blameless else None)
                return
        self._note(places, None)

    def _events_at(self, places: Sequence[int]) -> list[Event]:
        if self._is_first_try or self._texts is None:
            self._is_first_try = False
            return [self._events[place] for place in places]
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
            self._unknown_errors = self._refusals = 0
        for error in known:
            self._count(error)
        self._is_over = self._is_over or any(map(is_down, known))
        if len(untried) == len(places):
            return []
        for place in untried:
            del self.failures[place]
        return sorted(untried)

    def _count(self, error: Exception) -> None:
        if isinstance(error, Undeliverable):
            self._refusals += 1
            self._is_over = self._is_over or self._refusals >= self._max_refusals
        else:
            self._unknown_errors += 1
            self._is_over = self._is_over or self._unknown_errors >= self._max_unknown_errors
