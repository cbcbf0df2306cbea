"""Which events of a batch a sink does not take: its verdict on a batch of several is none on each of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from ..events import Event
from .base import PartialFailure, Undeliverable, is_down

Write = Callable[[Sequence[Event]], object]

# Unknown errors that events meet alone, with none taken between, before the others are left untried: the sink may be
# down without saying so, and would be called twice for each event of a batch.
_MOST_UNKNOWN = 8


def find_failures(write: Write, events: Sequence[Event]) -> dict[int, Exception | None]:
    """Store *events*, and find those at fault by halving where that fails for a batch of several.

    A ``write`` that raises anything but :class:`PartialFailure` has stored nothing, so what follows is no repetition.
    It gets a copy each time, and may change it.

    :returns: by the place of each event that was not stored, the error that it met alone or by name, or that says
        that the sink is down; ``None`` where it was not tried.
    """
    search = _Search(write, events)
    search.store(range(len(events)))
    return dict(sorted(search.failures.items()))


class _Search:
    def __init__(self, write: Write, events: Sequence[Event]) -> None:
        self._write = write
        self._events = events
        self._unknown = 0  # errors in a row
        self._is_over = False
        self.failures: dict[int, Exception | None] = {}

    def store(self, places: Sequence[int]) -> None:
        """Store the events at *places*, or note why not."""
        if self._is_over:
            self._note(places, None)
            return
        try:
            self._write(copy.deepcopy([self._events[place] for place in places]))
        except PartialFailure as failure:
            named = {
                place: failure.failures[number] for number, place in enumerate(places) if number in failure.failures
            }
            self.failures |= named
            self._is_over = any(map(is_down, named.values()))
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
                    self._unknown += 1
                    self._is_over = self._unknown >= _MOST_UNKNOWN
        else:
            self._unknown = 0

    def _note(self, places: Sequence[int], error: Exception | None) -> None:
        self.failures.update(dict.fromkeys(places, error))
