"""Points of the contract about failures: whose fault one is, and that nothing is lost by it."""

from __future__ import annotations

from collections.abc import Iterator

from ...events import Event
from ...sinks.base import PartialFailure, Undeliverable, is_down
from ..compare import name_of
from .batches import judged
from .bench import FLUSH_TIMEOUT, GRACE, Bench, Hung, Skip, call_with_timeout, refused
from .clock import TookTooLong, time_limit

# Seconds that a flush is given while the sink is down; it has to come back by then, without the rest.
_SHORT = 0.2


def refusal(bench: Bench) -> Iterator[str]:
    """An event that the sink never takes, alone and in company, and the ones after it."""
    if bench.flags.refuses is None:
        raise Skip("refuses=None: nothing is named that the sink never takes")
    bad = bench.event(**bench.flags.refuses)
    yield from _is_undeliverable(bad, bench.give(bad))
    good = bench.event()
    yield from bench.store(good)
    yield from bench.came([good])
    if bench.write is None:
        return
    batch = [bench.event(), bench.event(**bench.flags.refuses), bench.event()]
    error = bench.give_batch(batch)
    yield from judged(bench, batch, error)
    if isinstance(error, PartialFailure) and error.fits(3) and 1 in error.failures:
        yield from _is_undeliverable(batch[1], error.failures[1])
        for place in sorted(error.failures.keys() & {0, 2}):
            yield (
                f"{name_of(batch[place])} was not stored, because {name_of(batch[1])} beside it is refused: "
                f"{error.failures[place]!r}. Store the others, and name the one that is at fault"
            )


def _is_undeliverable(event: Event, error: Exception | None) -> Iterator[str]:
    if error is None:
        yield f"{name_of(event)} was taken, though the flag refuses names it. Raise Undeliverable, or change the flag"
    elif isinstance(error, Hung):
        yield refused(event, error)
    elif not isinstance(error, Undeliverable):
        yield (
            f"{name_of(event)} was refused with {error!r}, which {_meaning(error)}. Raise "
            "pixelmw.sinks.Undeliverable for what the destination will never take, and it becomes a dead letter at once"
        )


def down(bench: Bench) -> Iterator[str]:
    """Breaks the sink's way to its destination, gives it events, and mends it."""
    if bench.flags.break_it is None:
        raise Skip("break_it=None: there is no way to take the destination away")
    before, alone, after = bench.event(), bench.event(), bench.event()
    batch = [bench.event() for _ in range(3)]
    yield from bench.store(before)
    yield from bench.flush()
    taken, told = [before], []
    with bench.flags.break_it():
        for events in ([alone], batch) if bench.write is not None else ([alone],):
            error = bench.give(alone) if events is not batch else bench.give_batch(batch)
            if error is None:
                taken += events
            else:
                told += events
                yield from _is_down(events, error)
        yield from _flush_comes_back(bench)
    yield from bench.store(after)
    if bench.method("flush") is None:
        explanation = "it raised nothing while it was down. Let what the destination raised out of the call"
    else:
        explanation = "it had taken the event while it was down. Keep what was taken until it has arrived"
    for each in bench.came([*taken, after], maybe=told):
        yield f"{each}\n  ({explanation})" if " is lost: " in each else each


def _is_down(events: list[Event], error: Exception) -> Iterator[str]:
    """Yield a sentence unless *error* says of the destination, and not of the events, that it is at fault."""
    if isinstance(error, Hung):
        yield f"while it was down, {refused(events[0], error)}"
        return
    errors = list(error.failures.values()) if isinstance(error, PartialFailure) else [error]
    wrong = [each for each in errors if each is not None and not is_down(each)]
    if wrong:
        yield (
            f"while it was down, {name_of(events[0])} met {wrong[0]!r}, which {_meaning(wrong[0])}. Raise "
            "pixelmw.sinks.Unavailable, or the OSError with its errno, and the wrappers wait and send it again"
        )


def _meaning(error: Exception) -> str:
    if isinstance(error, Undeliverable):
        return "means this event, for ever: a wrapper makes a dead letter of it"
    if is_down(error):
        return "means the destination, for now: a wrapper waits, and sends it again, for ever"
    return "says nothing of whose fault it is: a wrapper has to find out, with many tries"


def _flush_comes_back(bench: Bench) -> Iterator[str]:
    if (flush := bench.method("flush")) is None:
        return
    try:
        with time_limit(_SHORT + GRACE):
            call_with_timeout(flush, _SHORT)
    except TookTooLong:
        yield (
            f"while it was down, flush({_SHORT:g}) did not return within {_SHORT + GRACE:g} seconds. "
            f"Let it wait no longer than it is told, here and at flush({FLUSH_TIMEOUT:g})"
        )
    except Exception as error:
        yield f"while it was down, flush({_SHORT:g}) raised {error!r}. Let it return False where not everything arrived"
