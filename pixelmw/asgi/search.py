"""Stores a batch by an ``async def write``, and finds the events at fault, as ``sinks.together`` does."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from ..events import Event
from ..sinks.base import PartialFailure
from ..sinks.together.places import failure_within
from ..sinks.together.search import Search, next_try, untried
from ..system.callables import raise_if_unfinished
from ..system.errors import copy_of


async def store_awaited(
    write: Callable[[Sequence[Event]], Awaitable[object]], events: Sequence[Event], timeout: float
) -> list[Exception | None]:
    """Store *events*, and return for each one an error of its own, or ``None`` if it was stored.

    :param timeout: seconds for the whole search; nothing is begun after it.
    """
    search = Search(
        events,
        deadline=time.monotonic() + timeout,
        changes_events=True,
        # Each event is one visitor's: however many have a fault of their own, the others are tried.
        max_unknown_errors=len(events) + 1,
    )
    tries = search.tries()
    batch = next(tries, None)
    while batch is not None:
        try:
            raise_if_unfinished("write", write, await write([*batch]))
        except PartialFailure as failure:
            batch = next_try(tries, failure_within(failure, batch))
        except Exception as error:
            batch = next_try(tries, error)
        else:
            batch = next_try(tries, None)
    return errors_of_their_own(search.failures, len(events))


def errors_of_their_own(failures: Mapping[int, Exception | None], count: int) -> list[Exception | None]:
    """The error of each of *count* events, or ``None`` if it was stored; no two of them get the same one."""
    given: set[int] = set()  # by their ids
    told: list[Exception | None] = []
    for place in range(count):
        error = (failures[place] or untried()) if place in failures else None
        if error is not None and id(error) in given:
            error = copy_of(error)
        given.add(id(error))
        told.append(error)
    return told
