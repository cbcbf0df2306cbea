"""Points of the contract about many threads at once: an event fails for what it does alone, nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from ...sinks.base import BatchSink, is_down
from ..compare import name_of
from .arrivals import Deviation
from .bench import Bench, Skip, gives_up
from .gate import GATHERING, closed_gate, gather
from .interleave import started
from .threads import Answers, join, need_threads

#: As many as a server has at once.
MANY = 16
# Seconds: what a sink's timeout is set to where it can be, and how late an answer may be.
_SHORT, _LATE = 0.5, 2.0


def one_guilty(bench: Bench) -> Iterator[Deviation]:
    """Sixteen threads at once, one with an event that the sink never takes: the others are not refused for it."""
    need_threads(bench)
    if bench.flags.refuses is None:
        raise Skip("refuses=None: nothing is named that the sink never takes")
    for place in (0, MANY // 2, MANY - 1):
        answers = Answers()
        events = [bench.event(**(bench.flags.refuses if number == place else {})) for number in range(MANY)]
        join(gather(bench, _held_up(bench, answers), answers.calls(bench, events)))
        guilty = events[place]
        innocent = [event for event in answers.unserved() if event is not guilty]
        if innocent:
            yield Deviation(
                f"of {MANY} events that threads sent at the same time, {name_of(guilty)} is refused for what it is, "
                f"and {len(innocent)} others were not stored: {name_of(innocent[0])} met "
                f"{answers.error_of(innocent[0])!r}. Name the one that is at fault in a PartialFailure, or raise "
                "before anything is stored; then it is searched for"
            )
        answers.forget_errors()
        yield from answers.deviations(bench, f"beside {name_of(guilty)}", maybe=events)
        if innocent:
            return


def all_told(bench: Bench) -> Iterator[Deviation]:
    """Sixteen threads at once while the destination is away: each hears of it, and afterwards each is served."""
    need_threads(bench)
    if bench.flags.break_it is None:
        raise Skip("break_it=None: there is no way to take the destination away")
    yield from bench.store(before := bench.event())
    yield from bench.flush()
    away, back = Answers(), Answers()
    with bench.flags.break_it():
        calls = away.calls(bench, [bench.event() for _ in range(MANY)])
        join(gather(bench, calls[:1], calls[1:]))
    where = f"with {MANY} threads while it was down"
    wrong = [event for event in away.unserved() if not is_down(away.error_of(event))]
    if away.pending:
        yield Deviation(f"{where}, {len(away.pending)} calls did not return. Bound each wait", "hung")
        return
    if wrong:
        yield Deviation(
            f"{where}, {len(wrong)} calls raised something else: {name_of(wrong[0])} met {away.error_of(wrong[0])!r}. "
            "Raise pixelmw.sinks.Unavailable"
        )
    join(started(back.calls(bench, [bench.event() for _ in range(MANY)])))
    back.stored += [before, *away.stored]
    yield from back.deviations(bench, f"after it was down for {MANY} threads", maybe=away.unserved())


def none_waits_for_ever(bench: Bench) -> Iterator[Deviation]:
    """A call hangs: whoever comes meanwhile is answered within two time-outs, and is served once it is over."""
    need_threads(bench)
    if not bench.flags.hang_it and not bench.shares_writes:
        raise Skip(f"hang_it=None, and {gives_up(bench.sink) or 'it shares no write'}")
    answers = Answers()
    timeout = _timeout_of(bench)
    limit = 2 * timeout + _LATE
    yield from bench.store(before := bench.event())
    yield from bench.flush()
    events = [bench.event() for _ in range(MANY)]
    if bench.flags.hang_it is not None:
        with bench.flags.hang_it():
            longest = _longest(started(answers.calls(bench, events)), limit)
    else:
        with closed_gate(bench.sink, bench.lanes) as gate:
            calls = answers.calls(bench, events)
            held = started(calls[: bench.lanes])
            gate.wait_for_writes(bench.lanes, GATHERING)
            longest = _longest(started(calls[bench.lanes :]), limit)
            gate.open()
            join(held)
    if longest > limit:
        late = name_of(answers.pending[0] if answers.pending else events[0])
        yield Deviation(
            f"while a call hung, {late} was not answered within {limit:g} seconds. Let write end within its timeout, "
            f"which is {timeout:g} seconds, and raise Unavailable",
            "hung",
        )
        return
    answers.stored.append(before)
    answers.ask(bench, bench.event())
    yield from answers.deviations(bench, "where a call hung")


def _held_up(bench: Bench, answers: Answers) -> list[Callable[[], None]]:
    """One call for each lane."""
    return answers.calls(bench, [bench.event() for _ in range(bench.lanes)])


def _longest(threads: list[threading.Thread], limit: float) -> float:
    """Wait for *threads* to end, but not much longer than *limit* seconds; return how long it was."""
    began = time.monotonic()
    for thread in threads:
        thread.join(max(0.0, began + limit + 0.1 - time.monotonic()))
    return time.monotonic() - began


def _timeout_of(bench: Bench) -> float:
    """Return the sink's timeout; without a way to let its destination hang, it is made short for this sink."""
    timeout: float = getattr(bench.sink, "timeout", BatchSink.timeout)
    if bench.flags.hang_it is None and timeout > _SHORT:
        try:
            bench.sink.timeout = timeout = _SHORT  # type: ignore[attr-defined]  # a BatchSink has one
        except AttributeError:
            raise Skip(f"its timeout is {timeout:g} seconds, which is long for a test, and cannot be set") from None
    return timeout
