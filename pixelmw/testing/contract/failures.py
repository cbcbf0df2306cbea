"""Points of the contract about failures: whose fault one is, and that nothing is lost by it."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from ...events import Event
from ...sinks.base import PartialFailure, Undeliverable, is_down
from ..compare import name_of
from .arrivals import Deviation
from .batches import judged, malformed
from .bench import Bench, Skip
from .calls import Hung, attempt, flushed, refused
from .single import changes

# Seconds that a flush is given while the sink is down; it has to come back by then, without the rest.
_SHORT = 0.2
_MARK = "jo.marked@secret.example"


def refusal(bench: Bench) -> Iterator[Deviation]:
    """An event that the sink never takes, alone and in company, and the ones after it."""
    if bench.flags.refuses is None:
        raise Skip("refuses=None: nothing is named that the sink never takes")
    bad = bench.event(**bench.flags.refuses)
    error = bench.give(bad)
    yield from _is_undeliverable(bad, error)
    good = bench.event()
    yield from bench.store(good)
    yield from bench.came([good] if error is not None else [bad, good])
    if not bench.takes_batches:
        return
    batch = [bench.event(), bench.event(**bench.flags.refuses), bench.event()]
    error = bench.give_batch(batch)
    yield from judged(bench, batch, error)
    if isinstance(error, PartialFailure) and malformed(error, 3) is None and 1 in error.failures:
        yield from _is_undeliverable(batch[1], error.failures[1])
        for place in sorted(error.failures.keys() & {0, 2}):
            yield Deviation(
                f"{name_of(batch[place])} was not stored, because {name_of(batch[1])} beside it is refused: "
                f"{error.failures[place]!r}. Store the others, and name the one that is at fault"
            )


def left_as_it_was(bench: Bench) -> Iterator[Deviation]:
    """An event that is refused, or that meets a destination that is away, is still what it was: somebody keeps it."""
    if bench.flags.refuses is None and bench.flags.break_it is None:
        raise Skip("refuses=None and break_it=None: there is no way to let it fail")
    if bench.flags.refuses is not None:
        yield from _changed(bench, bench.event(**bench.flags.refuses), "when it was refused")
    if bench.flags.break_it is not None:
        yield from bench.store(bench.event())
        with bench.flags.break_it():
            found = list(_changed(bench, bench.event(), "while the sink was down"))
        yield from found
        yield from bench.store(bench.event())
        yield from bench.flush()


def _changed(bench: Bench, before: Event, when: str) -> Iterator[Deviation]:
    given = copy.deepcopy(before)
    error = attempt(bench.sink, given)
    if error is None or given == before:
        return
    yield from (each.where(when) for each in changes(before, given))
    yield Deviation("what comes next, such as a fallback, stores what is left of it", "changed")


def shows_nothing(bench: Bench) -> Iterator[Deviation]:
    """What the sink raises ends up in a log; what a server or a client library said may quote the event."""
    if bench.flags.refuses is None and bench.flags.break_it is None:
        raise Skip("refuses=None and break_it=None: there is no way to let it fail")
    if bench.flags.refuses is not None:
        yield from _shown(bench, bench.flags.refuses, "when it was refused")
    if bench.flags.break_it is not None:
        yield from bench.store(bench.event())
        with bench.flags.break_it():
            found = list(_shown(bench, {}, "while the sink was down"))
        yield from found
        yield from bench.store(bench.event())
        yield from bench.flush()


def _shown(bench: Bench, fields: Mapping[str, Any], when: str) -> Iterator[Deviation]:
    marked = {"userId": _MARK, "event": f"name\nERROR of {_MARK}", **fields}
    batches = [[bench.event(**marked)]]
    if bench.takes_batches:
        batches.append([bench.event(**marked) for _ in range(2)])
    for batch in batches:
        error = bench.give_batch(batch) if len(batch) > 1 else bench.give(batch[0])
        failures: list[Exception | None] = []
        if isinstance(error, PartialFailure) and isinstance(error.failures, Mapping):
            failures += error.failures.values()
        for each in filter(None, [error, *failures]):
            if _MARK in "".join(traceback.format_exception(each)):
                yield Deviation(
                    f"{when}, what it raised quotes the event: {type(each).__name__} shows its userId, and ends up in "
                    "a log. Say what is wrong in words of your own, and raise from None where the client library quotes"
                )
                return


def _is_undeliverable(event: Event, error: Exception | None) -> Iterator[Deviation]:
    if error is None:
        yield Deviation(f"{name_of(event)} was taken, though the flag refuses names it. Raise Undeliverable")
    elif isinstance(error, Hung):
        yield refused(event, error)
    elif not isinstance(error, Undeliverable):
        yield Deviation(
            f"{name_of(event)} was refused with {error!r}, which {_meaning(error)}. Raise "
            "pixelmw.sinks.Undeliverable for what the destination will never take, and it becomes a dead letter at once"
        )


def down(bench: Bench) -> Iterator[Deviation]:
    """Breaks the sink's way to its destination, gives it events, and mends it."""
    if bench.flags.break_it is None:
        raise Skip("break_it=None: there is no way to take the destination away")
    before, alone, after = bench.event(), bench.event(), bench.event()
    batch = [bench.event() for _ in range(3)]
    yield from bench.store(before)
    yield from bench.flush()
    taken: list[Event] = [before]
    told: list[Event] = []
    with bench.flags.break_it():
        errors = [([alone], bench.give(alone))]
        if bench.takes_batches:
            errors.append((batch, bench.give_batch(batch)))
        if bench.has_flush:
            yield from flushed(bench.method("flush"), _SHORT, when="while it was down, ", all_arrives=False)
    for events, error in errors:
        if error is None:
            taken += events
        else:
            told += events
            yield from _is_down(events, error)
    yield from bench.store(after)
    for each in bench.came([*taken, after], maybe=told, orders=()):
        yield each.where("once it was up again") if each.kind == "lost" else each
        if each.kind == "lost":
            yield Deviation(
                "it took the event while it was down. Keep what was taken until it has arrived"
                if bench.has_flush
                else "it raised nothing while it was down. Let what the destination raised come out of the call"
            )
            return


def _is_down(events: list[Event], error: Exception) -> Iterator[Deviation]:
    """Yield a sentence unless *error* says of the destination, and not of the events, that it is at fault."""
    if isinstance(error, Hung):
        yield refused(events[0], error).where("while it was down")
        return
    if (complaint := malformed(error, len(events))) is not None:
        yield complaint
        return
    errors = list(error.failures.values()) if isinstance(error, PartialFailure) else [error]
    wrong = [each for each in errors if each is not None and not is_down(each)]
    if wrong:
        yield Deviation(
            f"while it was down, {name_of(events[0])} met {wrong[0]!r}, which {_meaning(wrong[0])}. Raise "
            "pixelmw.sinks.Unavailable, or the OSError with its errno, and the wrappers wait and send it again"
        )


def _meaning(error: Exception) -> str:
    if isinstance(error, Undeliverable):
        return "means this event, for ever: a wrapper makes a dead letter of it"
    if is_down(error):
        return "means the destination, for now: a wrapper waits, and sends it again, for ever"
    return "says nothing of whose fault it is: a wrapper has to find out, with many tries"
