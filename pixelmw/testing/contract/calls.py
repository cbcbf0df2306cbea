"""Calls of a sink that are bounded, and what is wrong with what came of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

from ...events import Event
from ...sinks.base import call_within
from ..compare import name_of, shown
from .arrivals import Deviation
from .clock import TookTooLong, time_limit

#: Seconds for any one call of a sink; a sink of ours gives up after 10.
CALL_LIMIT = 30.0
#: Seconds that a flush may take, and those beyond it within which it has to return.
FLUSH_TIMEOUT, GRACE = 10.0, 3.0


class Hung(Exception):
    """A call of the sink did not return in time."""


def attempt(call: Callable[..., object], *args: object) -> Exception | None:
    """Call *call*; return what it raised, or what is wrong with what it returned."""
    try:
        with time_limit(CALL_LIMIT):
            result = call(*args)
    except TookTooLong as error:
        return Hung(str(error))
    except Exception as error:
        return error
    if inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
        if inspect.iscoroutine(result) or inspect.isgenerator(result):
            result.close()
        kind = type(result).__name__
        return TypeError(f"its call returned a {kind}, which nobody runs: write it with def, and without yield")
    return None


def flushed(
    flush: Callable[..., object], timeout: float, *, when: str = "", all_arrives: bool = True
) -> Iterator[Deviation]:
    """Call *flush* with *timeout*, and yield a sentence unless it comes back in time, and with the right answer.

    :param when: circumstances, for the sentence.
    :param all_arrives: True if the right answer is that everything has arrived; if not, both answers are.
    """
    call = f"{when}flush({timeout:g})"
    try:
        with time_limit(timeout + GRACE):
            result = call_within(timeout, flush)
    except TookTooLong:
        words = f"{call} did not return within {timeout + GRACE:g} seconds. Let it wait no longer than told"
        yield Deviation(words, "hung")
    except Exception as error:
        yield Deviation(f"{call} raised {error!r}. Let it return False where not everything has arrived")
    else:
        if result is None:
            yield Deviation(f"{call} returned None. Let it return True once everything has arrived, otherwise False")
        elif not result and all_arrives:
            yield Deviation(f"{call} returned {shown(result)}, though nothing was in the way of what it waits for")


def refused(event: Event, error: Exception) -> Deviation:
    """Say that the sink did not take a valid event."""
    if isinstance(error, Hung):
        return Deviation(
            f"{name_of(event)}: {error}. Bound each wait, and raise Unavailable when the time is over", "hung"
        )
    return Deviation(
        f"{name_of(event)} was refused with {error!r}. It is as the middleware makes it: take it", "refused"
    )
