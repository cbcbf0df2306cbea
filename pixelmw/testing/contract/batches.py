"""Points of the contract about ``write``: all of a batch is stored, or the failure says exactly what is not."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence

from ...events import Event
from ...sinks.base import PartialFailure
from ..compare import name_of
from .arrivals import Deviation
from .bench import Bench, Skip
from .calls import attempt, refused
from .single import changes

_MOST = 500  # events in a batch: as many as Background and Spool hand over, unless they are told otherwise
# By their place in a batch, texts that most sinks take and some refuse: a data plane takes events of 32 KB.
_DOUBTFUL = {1: "x" * 40_000, 4: "x" * 70_000}


def whole_and_in_order(bench: Bench) -> Iterator[Deviation]:
    """A batch of one, of several types, of a repeated event, and the largest that a wrapper hands over."""
    types = list(bench.flags.event_types)
    first = [bench.event()]
    mixed = [bench.event(types[number % len(types)]) for number in range(12)]
    twice = bench.event()
    repeating = [twice, bench.event(), twice]
    largest = [bench.event() for _ in range(_MOST)]
    sent: list[Event] = []
    for batch in (first, mixed, repeating, largest, [bench.event()]):
        if (error := bench.give_batch(batch)) is None:
            sent += batch
        else:
            yield _not_taken(batch, error)
            if isinstance(error, PartialFailure) and malformed(error, len(batch)) is None:
                sent += [event for place, event in enumerate(batch) if place not in error.failures]
    yield from bench.came(sent, repeated={twice["messageId"]})


def list_is_the_callers(bench: Bench) -> Iterator[Deviation]:
    """The caller goes on with its list, and with the dicts in it."""
    untouched = [bench.event(properties={"list": [number]}) for number in range(4)]
    if bench.give_batch(untouched) is not None or any(bench.came(untouched)):
        raise Skip("a batch that nobody touches does not come back either")
    sent = [bench.event(properties={"list": [number]}) for number in range(4)]
    given = copy.deepcopy(sent)
    kept = list(given)
    if (error := attempt(bench.write, given)) is not None:
        yield _not_taken(sent, error)
        return
    if len(given) != len(kept) or any(one is not other for one, other in zip(given, kept, strict=True)):
        yield Deviation(
            "write has changed the list that it was given. Others go on with it: change list(events) instead"
        )
    for before, after in zip(sent, kept, strict=True):
        yield from changes(before, after)
    given.clear()
    for each in kept:
        each.clear()
    if any(bench.came(sent)):
        yield Deviation(
            "the list and its events were emptied after write had returned, and so was what is stored: the sink keeps "
            "a reference. Keep the texts of the events, or copy.deepcopy(events)"
        )


def blame(bench: Bench) -> Iterator[Deviation]:
    """Batches with events that some sinks refuse: what is not named is stored, and what is named is not."""
    batches = []
    if bench.flags.refuses is not None:
        batches += [
            [bench.event(**(bench.flags.refuses if place in bad else {})) for place in range(6)]
            for bad in ({5}, {0}, {2}, {1, 4}, set(range(6)))
        ]
    batches += [
        [bench.event(properties={"text": text} if place == doubtful else {}) for place in range(6)]
        for doubtful, text in _DOUBTFUL.items()
    ]
    for batch in batches:
        if found := list(judged(bench, batch, bench.give_batch(batch))):
            yield from found
            return


def judged(bench: Bench, batch: Sequence[Event], error: Exception | None) -> Iterator[Deviation]:
    """Yield how what is stored of *batch* contradicts *error*, which its ``write`` raised."""
    if error is None:
        yield from bench.came(batch, orders=())
        return
    if (complaint := malformed(error, len(batch))) is not None:
        yield complaint
        return
    partial = isinstance(error, PartialFailure)
    named = sorted(error.failures) if isinstance(error, PartialFailure) else list(range(len(batch)))
    yield from bench.flush()
    came = {event.get("messageId") for event in bench.new()}
    there = [place for place in named if batch[place]["messageId"] in came]
    missing = [place for place, event in enumerate(batch) if place not in named and event["messageId"] not in came]
    if there and not partial:
        yield Deviation(
            f"write raised {error!r}, and {len(there)} of {len(batch)} events are stored. A wrapper sends all of them "
            "again: store all or none, or raise PartialFailure({place: error}), which names those that are not stored"
        )
    elif there:
        yield Deviation(
            f"PartialFailure names {_places(named, batch)}, but {_places(there, batch)} is stored, and would be there "
            "twice. Name the places of the events that are not stored, counted from 0 within the batch"
        )
    if missing:
        yield Deviation(
            f"PartialFailure names {_places(named, batch)}, but {_places(missing, batch)} is not stored either, and is "
            "lost: nobody sends it again. Name every event that is not stored; None as its error says: not tried"
        )


def malformed(error: Exception, count: int) -> Deviation | None:
    """Return what is wrong with *error* if it is a ``PartialFailure`` that names no places of a batch of *count*."""
    if not isinstance(error, PartialFailure):
        return None
    failures: object = error.failures
    if not isinstance(failures, Mapping) or not all(isinstance(place, int) for place in failures):
        words = f"PartialFailure has {failures!r:.100}. Give a dict: the place in the batch, and its error or None"
    elif not error.fits(count):
        words = (
            f"PartialFailure names the places {', '.join(map(str, sorted(failures)))} of a batch of {count}, which "
            f"ends at {count - 1}. Count from 0, within the batch that write was called with"
        )
    elif not failures:
        words = "PartialFailure names no event. Return, if all are stored"
    else:
        return None
    return Deviation(words)


def _not_taken(batch: Sequence[Event], error: Exception) -> Deviation:
    """Say that a batch of ordinary events was not taken."""
    if (complaint := malformed(error, len(batch))) is not None:
        return complaint
    if isinstance(error, PartialFailure):
        place, first = next(iter(error.failures.items()))
        why = refused(batch[place], first if first is not None else error)
        return Deviation(f"of a batch of {len(batch)}, {len(error.failures)} were not stored: {why}", "refused")
    if len({event["messageId"] for event in batch}) < len(batch):
        what = f"a batch that has {name_of(batch[0])} twice"
    else:
        what = f"a batch of {len(batch)}"
    return Deviation(f"{what} was refused with {error!r}. Each is as the middleware makes it: take it", "refused")


def _places(places: Sequence[int], batch: Sequence[Event]) -> str:
    return f"number {' and '.join(map(str, places[:10])) or 'none'} of {len(batch)}"
