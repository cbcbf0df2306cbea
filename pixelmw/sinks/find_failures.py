"""Finds the events at fault in a batch that a sink refuses, by storing parts of the batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from ..events import Event
from .errors import PartialFailure, Undeliverable, is_down

Write = Callable[[Sequence[Event]], object]

# If this many events fail alone with unknown errors, and no call in between stored anything, the other events are not
# tried. The sink may be down without saying so, and the search would call it about twice for each event of the batch.
_MAX_UNKNOWN_ERRORS = 8


def find_failures(write: Write, events: Sequence[Event]) -> dict[int, Exception | None]:
    """Store *events*. If that fails for several at once, find the events at fault by halving the batch.

    A ``write`` that raises anything but :class:`PartialFailure` has stored
    nothing, so calling it again with a part of the batch repeats nothing. Each
    call gets a copy of the events, which it may change.

    :returns: by the place of each event that was not stored, its error:
        the one that it met alone, the one that a ``PartialFailure`` has for it,
        or the one that says that the sink is down. ``None`` if it was not tried.
    """
    search = _Search(write, events)
    search.store(range(len(events)))
    return dict(sorted(search.failures.items()))


class _Search:
    def __init__(self, write: Write, events: Sequence[Event]) -> None:
        self._write = write
        self._events = events
        self._unknown_errors = 0  # since a call stored something
        self._is_over = False
        self.failures: dict[int, Exception | None] = {}

    def store(self, places: Sequence[int]) -> None:
        """Store the events at *places*, or note why they were not stored."""
        while places and not self._is_over:
            try:
                self._write(copy.deepcopy([self._events[place] for place in places]))
            except PartialFailure as failure:
                places = self._note_partial(places, failure)
                continue
            except Exception as error:
                if is_down(error):
                    self._is_over = True
                    self._note(places, error)
                elif len(places) > 1:
                    half = len(places) // 2
                    self.store(places[:half])
                    self.store(places[half:])
                else:
                    self._note(places, error)
                    if not isinstance(error, Undeliverable):
                        self._unknown_errors += 1
                        self._is_over = self._unknown_errors >= _MAX_UNKNOWN_ERRORS
            else:
                self._unknown_errors = 0
            return
        self._note(places, None)

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
        else:
            self._unknown_errors += sum(not isinstance(error, Undeliverable) for error in known)
        self._is_over = any(map(is_down, known)) or self._unknown_errors >= _MAX_UNKNOWN_ERRORS
        if len(untried) == len(places):
            return []
        for place in untried:
            del self.failures[place]
        return untried
