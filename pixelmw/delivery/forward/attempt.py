"""One call of a sink, and what it says about each item of a batch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ...events import Event
from ...sinks.base import PartialFailure, Undeliverable, is_down
from .item import Item


class Outcome(NamedTuple):
    """The result of one call; each item of the batch is in one of the three lists, in the order of the batch."""

    taken: list[Item]  # the sink has them
    refused: list[Item]  # Undeliverable, by name
    left: list[Item]  # they failed otherwise, or were not tried
    # The failure to act on. None if left is empty, or if the sink took or refused some items and did not try the rest.
    error: Exception | None
    fault_is_known: bool  # True if error is the error of the first item in left, or says that the sink is down


def attempt(
    write: Callable[[Sequence[Event]], object], batch: Sequence[Item], *, taken_so_far: int, each_alone: bool
) -> Outcome:
    """Hand *batch* to a sink, once, and note on each item the failure that it met.

    :param taken_so_far: how many events the sink has taken in all.
    :param each_alone: whether *write* calls the sink with each event alone.
    """
    failures, raised = _call(write, [item.make_event() for item in batch])
    outcome = Outcome([], [], [], None, fault_is_known=False)
    alone = each_alone or len(batch) == 1
    errors: list[Exception | None] = []
    for place, item in enumerate(batch):
        error = failures.get(place)
        if error is not None:
            item.note_failure(error, taken_so_far, alone=alone)
        if place not in failures:
            outcome.taken.append(item)
        elif isinstance(error, Undeliverable):
            outcome.refused.append(item)
        else:
            outcome.left.append(item)
            errors.append(error)
    if not outcome.left:
        return outcome
    error = next(filter(is_down, errors), errors[0])
    if error is not None:
        return outcome._replace(error=error, fault_is_known=True)
    if len(outcome.left) < len(batch):
        return outcome
    return outcome._replace(error=next(filter(None, errors), raised))


def _call(
    write: Callable[[Sequence[Event]], object], events: Sequence[Event]
) -> tuple[Mapping[int, Exception | None], Exception | None]:
    """Hand *events* to a sink.

    :returns: two things. First, for the place of each event that was not stored, the error that this event met, or
        ``None`` if it was not tried, or if it is not known which event met the error. Second, what the sink raised.
    """
    count = len(events)  # before the call, in which the sink may take the list apart
    try:
        write(events)
    except PartialFailure as failure:
        if count == 1 and 0 in failure.failures:
            return {0: failure.failures[0] or failure}, failure
        if failure.fits(count):
            return failure.failures, failure
        return dict.fromkeys(range(count), failure if count == 1 else None), failure
    except BaseException as raised:
        error = as_exception(raised)
        known = count == 1 or is_down(error)
        return dict.fromkeys(range(count), error if known else None), error
    return {}, None


def as_exception(raised: BaseException) -> Exception:
    """Return what a sink raised as an ``Exception``: on a thread of ours, ``SystemExit`` must end the call only.

    :raises BaseException: *raised* itself on the main thread, if it is to end the process.
    """
    if isinstance(raised, Exception):
        return raised
    if threading.current_thread() is threading.main_thread():
        raise raised
    return RuntimeError(f"a sink raised {raised!r}")
