"""Puts the places of a ``PartialFailure`` right where a ``write`` passes on a part of its batch.

A subclass may call the ``write`` of its base, and a sink that of another one, with events left out, added or in another
order. What fails there is named by its place there. So each failure notes on its way out which events it is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_

from ...events import Event
from ..errors import PartialFailure, SinkError

_BATCH = "_pixelmw_batch"  # the attribute of a failure with the events that its places are of


def note_batch(failure: PartialFailure, events: Sequence[Event]) -> None:
    """Note that the places of *failure* are those in *events*, unless that is known."""
    failure.__dict__.setdefault(_BATCH, events)


def failure_within(failure: PartialFailure, events: Sequence[Event]) -> SinkError:
    """Return *failure*, which came out of a ``write`` of *events*, with the places that its events have in these.

    :returns: an error that names no event, if it is not known which ones are meant.
    """
    batch: Sequence[Event] | None = failure.__dict__.pop(_BATCH, None)
    if batch is None or (len(batch) == len(events) and all(map(is_, batch, events))):
        return failure
    if failure.fits(len(batch)):
        places = {id(event): place for place, event in enumerate(events)}
        own = {places.get(id(batch[place])): error for place, error in failure.failures.items()}
        if None not in own and len(own) == len(failure.failures):
            return PartialFailure({place: error for place, error in own.items() if place is not None})
    if len(batch) == len(events):  # each of them was made anew
        return failure
    return SinkError(f"{failure}; which of them, is not known, since the batch was changed before")
