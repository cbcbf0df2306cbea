"""Drives the steps of a request, one by one, and to their end where the request's event loop is closed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from typing import Any

from ..sinks.base import Unavailable
from ..system.callables import Call
from .calls import Awaited, Outcome, as_exception


def resume(steps: Generator[Call, Any, Any], outcome: Outcome) -> Call | None:
    """Have *steps* go on with *outcome*; returns the call that they ask for next, or ``None`` if they have ended."""
    try:
        return steps.send(outcome[0]) if outcome[1] is None else steps.throw(outcome[1])
    except StopIteration:
        return None
    finally:
        del outcome  # an error leads to this frame: they would make a circle


def end_without_loop(steps: Generator[Call, Any, Any], outcome: Outcome) -> None:
    """Have *steps* go on with *outcome* to their end, in this thread. What is to be awaited fails.

    What belongs to whoever sent it goes no further: the request has nobody left whom it could reach.
    """
    with suppress(BaseException):
        call = resume(steps, outcome)
        while call is not None:
            call = resume(steps, _called(*call))


def _called(function: Any, arguments: tuple[Any, ...]) -> Outcome:
    if isinstance(function, Awaited):
        return None, Unavailable("the event loop of the request is closed")
    try:
        return function(*arguments), None
    except BaseException as raised:
        return None, as_exception(raised, function)
