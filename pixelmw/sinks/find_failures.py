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
        if self._is_over:
            self._note(places, None)
            return
        try:
            self._write(copy.deepcopy([self._events[place] for place in places]))
        except PartialFailure as failure:
            self._note_partial(places, failure)
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

    def _note(self, places: Sequence[int], error: Exception | None) -> None:
        self.failures.update(dict.fromkeys(places, error))

    def _note_partial(self, places: Sequence[int], failure: PartialFailure) -> None:
        errors = {
            place: failure.failures[place_in_part]
            for place_in_part, place in enumerate(places)
            if place_in_part in failure.failures
        }
        self.failures |= errors
        self._is_over = any(map(is_down, errors.values()))
