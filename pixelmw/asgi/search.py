"""Stores a batch by an ``async def write``, and finds the events at fault, as ``sinks.together`` does."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

from ..events import Event
from ..sinks.base import PartialFailure, Unavailable, is_down
from ..sinks.encoding import decode, encode, encode_each
from ..system.errors import copy_of


async def store_awaited(
    write: Callable[[Sequence[Event]], Awaitable[object]], events: Sequence[Event], timeout: float
) -> list[Exception | None]:
    """Store *events*, and return for each one its error, or ``None`` if it was stored.

    An event is refused only for what it does alone, or by its name in a
    :class:`PartialFailure`. What says that the sink is down ends the search.

    :param timeout: seconds for the whole search; nothing is begun after it.
    """
    texts, not_json = encode_each(encode, events)  # a write may change what it is given
    errors: dict[int, Exception] = {**not_json}
    deadline = time.monotonic() + timeout
    given: dict[int, Event] = dict(enumerate(events))
    down: Exception | None = None
    pending = [[place for place in range(len(events)) if place not in errors]]
    first = True
    while pending:
        places = pending.pop()
        if down is not None or (not first and time.monotonic() > deadline):
            reason = down or Unavailable(
                "the time for the events that came together was over before this one was tried"
            )
            errors |= {place: copy_of(reason) for place in places}
            continue
        batch = [given[place] if first else decode(texts[place]) for place in places]
        first = False
        try:
            if batch:
                await write(batch)
        except PartialFailure as failure:
            if not failure.fits(len(places)):
                errors |= {place: copy_of(failure) for place in places}
                continue
            named = {places[at]: error for at, error in failure.failures.items()}
            errors |= {place: error for place, error in named.items() if error is not None}
            untried = [place for place, error in named.items() if error is None]
            if untried and len(untried) < len(places):
                pending.append(untried)
            else:
                errors |= {place: copy_of(failure) for place in untried}
        except Exception as error:
            if is_down(error):
                down = error
                errors |= {place: error if place == places[0] else copy_of(error) for place in places}
            elif len(places) == 1:
                errors[places[0]] = error
            else:
                half = len(places) // 2
                pending += [places[half:], places[:half]]
    return [errors.get(place) for place in range(len(events))]
