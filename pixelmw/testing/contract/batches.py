"""Points of the contract about ``write``: all of a batch is stored, or the failure says exactly what is not."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence

from ...events import Event
from ...sinks.base import PartialFailure
from ..compare import name_of
from .bench import Bench, attempt, refused
from .single import changes

_MOST = 500  # events in a batch: as many as Background and Spool hand over, unless they are told otherwise
# One that most sinks take, and one or two that some refuse: a data plane takes 32 KB.
_DOUBTFUL = {1: "x" * 40_000, 4: "x" * 70_000}


def whole_and_in_order(bench: Bench) -> Iterator[str]:
    """A batch of one, of several types, of a repeated event, and the largest that a wrapper hands over."""
    types = list(bench.flags.event_types)
    mixed = [bench.event(types[number % len(types)]) for number in range(12)]
    twice = bench.event()
    largest = [bench.event() for _ in range(_MOST)]
    sent: list[Event] = []
    for batch in ([bench.event()], mixed, [twice, bench.event(), twice], largest, [bench.event()]):
        if (error := bench.give_batch(batch)) is None:
            sent += batch
        else:
            yield from _not_taken(batch, error)
            sent += [batch[place] for place in _stored_places(batch, error)]
    yield from bench.came(sent, repeated={twice["messageId"]})


def list_is_the_callers(bench: Bench) -> Iterator[str]:
    """The caller goes on with its list, and with the dicts in it."""
    sent = [bench.event(properties={"list": [number]}) for number in range(4)]
    given = copy.deepcopy(sent)
    kept = list(given)
    if (error := attempt(bench.batch_write, given)) is not None:
        yield from _not_taken(sent, error)
        return
    if len(given) != len(kept) or any(one is not other for one, other in zip(given, kept, strict=True)):
        yield "write has changed the list that it was given. Others go on with it: make one of your own, list(events)"
    for before, after in zip(sent, kept, strict=True):
        yield from changes(before, after)
    given.clear()
    for each in kept:
        each.clear()
    if found := list(bench.came(sent)):
        yield (
            "the list and its events were emptied after write had returned, and so was what is stored: the sink keeps "
            "a reference. Keep the texts, or copy.deepcopy(events)\n  " + found[0].replace("\n", "\n  ")
        )


def blame(bench: Bench) -> Iterator[str]:
    """Batches with events that some sinks refuse: what is not named is stored, and what is named is not."""
    bench.batch_write  # noqa: B018 - it raises Skip
    batches = [[bench.event() for _ in range(3)]]
    batches += [
        [bench.event(properties={"text": text} if place == at else {}) for place in range(6)]
        for at, text in _DOUBTFUL.items()
    ]
    if bench.flags.refuses is not None:
        batches += [
            [bench.event(**(bench.flags.refuses if place in at else {})) for place in range(6)]
            for at in ({0}, {5}, {2}, {1, 4}, set(range(6)))
        ]
    for batch in batches:
        error = bench.give_batch(batch)
        yield from judged(bench, batch, error)


def judged(bench: Bench, batch: Sequence[Event], error: Exception | None) -> Iterator[str]:
    """Yield how what is stored of *batch* contradicts *error*, which its ``write`` raised."""
    if error is None:
        yield from bench.came(batch)
        return
    if isinstance(error, PartialFailure):
        if (complaint := _malformed(error, len(batch))) is not None:
            yield complaint
            return
        named = sorted(error.failures)
    else:
        named = list(range(len(batch)))
    yield from bench.flush()
    came = {event.get("messageId") for event in bench.new()}
    there = [place for place in named if batch[place]["messageId"] in came]
    missing = [place for place, event in enumerate(batch) if place not in named and event["messageId"] not in came]
    if there and not isinstance(error, PartialFailure):
        yield (
            f"write raised {error!r}, and {len(there)} of {len(batch)} events are stored. A wrapper sends all of them "
            "again: store all or none, or raise PartialFailure({place: error}), which names those that are not stored"
        )
    elif there:
        yield (
            f"of a batch of {len(batch)}, PartialFailure names the places {_words(named)}, but {_words(there)} "
            "is stored: it would be there twice. Name the places of the events that are not stored, counted from 0"
        )
    if missing:
        yield (
            f"of a batch of {len(batch)}, PartialFailure names the places {_words(named)}, but {_words(missing)} is "
            "not stored either: nobody will send it again, and it is lost. Name every event that is not stored; None as its "
            "error says that it was not tried"
        )


def _malformed(failure: PartialFailure, count: int) -> str | None:
    failures: object = failure.failures
    if not isinstance(failures, Mapping) or not all(isinstance(place, int) for place in failures):
        return f"PartialFailure has {failures!r:.100}. Give a dict: the place in the batch, and the error or None"
    if not failure.fits(count):
        return (
            f"PartialFailure names the places {_words(sorted(failures))} of a batch of {count}, which ends at "
            f"{count - 1}. Count from 0, within the batch that write was called with"
        )
    if not failures:
        return "PartialFailure names no event. Return, if all are stored"
    return None


def _stored_places(batch: Sequence[Event], error: Exception) -> list[int]:
    named = error.failures if isinstance(error, PartialFailure) else range(len(batch))
    return [place for place in range(len(batch)) if place not in named]


def _not_taken(batch: Sequence[Event], error: Exception) -> Iterator[str]:
    """Say that a batch of ordinary events was not taken."""
    if isinstance(error, PartialFailure) and (complaint := _malformed(error, len(batch))) is not None:
        yield complaint
    elif isinstance(error, PartialFailure):
        place, first = next(iter(error.failures.items()))
        cause = first if first is not None else error
        yield f"of a batch of {len(batch)}, {len(error.failures)} were not stored; {refused(batch[place], cause)}"
    elif len({event["messageId"] for event in batch}) < len(batch):
        yield f"a batch that has {name_of(batch[0])} twice was refused with {error!r}. Take it: it may come so"
    else:
        yield f"a batch of {len(batch)} was refused with {error!r}; all of it is as the middleware makes it: take it"


def _words(places: Sequence[object]) -> str:
    return ", ".join(map(str, places[:10])) or "none"
