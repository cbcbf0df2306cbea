"""The contract as one call, which reports all deviations at once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from ...events import Sink
from ...sinks.base import close_sink
from .arrivals import Deviation
from .bench import Bench, ReadBack, Skip, gives_up
from .calls import CALL_LIMIT
from .clock import TookTooLong, time_limit
from .flags import Flags
from .points import POINTS, found_at


def check_sink(factory: Callable[[], Sink], read_back: ReadBack, **flags: Any) -> None:
    """Put a sink through everything that the middleware and the wrappers rely on.

    ::

        def test_my_sink(tmp_path):
            check_sink(lambda: MySink(tmp_path / "events"), lambda: my_events(tmp_path / "events"))

    Only events are sent that are valid by the bundled schemas. The store may hold other events; it must get none
    meanwhile from anybody else. What has a ``close`` is closed. A ``__call__`` of its own in front of ``write`` is no
    deviation; a warning says what it gives up.

    :param factory: called without arguments; returns the sink, a new one for
        each point of the contract, or always the same.
    :param read_back: called without arguments; returns what is stored, a list
        of dicts in the order in which they were stored.
    :param flags: what the sink cannot do, or need not:

        - ``stores_once=True``: of events with the same messageId, the first is stored, and only once;
        - ``survives_fork=True``: a child process may go on using the sink of its parent;
        - ``keeps_order=False``: what is stored has no order;
        - ``thread_safe=False``: it is only ever called by one thread;
        - ``interruptible=False``: an exception from outside, within a call, may lock the others out;
        - ``reopens=False``: after ``close``, it cannot be used again;
        - ``event_types=["page", "track"]``: it takes these only;
        - ``refuses={"properties": {"size": 1e9}}``: the fields of an event that it never takes;
        - ``break_it=server.down``: a callable that returns a context manager, within which the destination is down;
        - ``hang_it=server.silent``: another one, within which the destination answers nothing.

    :raises AssertionError: if the sink deviates; it lists every deviation, and what was not checked.
    :raises TypeError: for a factory, a ``read_back`` or a flag that is none.
    """
    said = Flags(**flags)
    if not callable(factory) or not callable(read_back):
        raise TypeError("check_sink needs two callables: check_sink(lambda: sink, lambda: stored_events)")
    broken: dict[str, list[Deviation]] = {}
    skipped: list[str] = []
    has_hung = False
    for (sentence, point), sink in zip(POINTS.items(), _sinks(factory), strict=False):
        name, given_up = repr(sink), gives_up(sink)
        if has_hung:
            skipped.append(f"{sentence}: a call of it hung before")
            continue
        try:
            if found := found_at(point, Bench(sink, read_back, said)):
                broken[sentence] = found
                has_hung = found[-1].kind == "hung"
        except Skip as skip:
            skipped.append(f"{sentence}: {skip}")
    if broken:
        raise AssertionError(_report(name, broken, skipped))
    if given_up:
        warnings.warn(given_up, stacklevel=2)


def _sinks(factory: Callable[[], Sink]) -> Iterator[Sink]:
    """Yield what *factory* makes, and close each before the next is made; if it is always the same, close it last."""
    first = sink = factory()
    try:
        yield sink
        sink = factory()
        if sink is first:
            while True:
                yield sink
        _close(first)
        while True:
            yield sink
            _close(sink)
            sink = factory()
    finally:
        _close(sink)


def _close(sink: Sink) -> None:
    with suppress(Exception, TookTooLong), time_limit(CALL_LIMIT):  # a point of its own tells of an error
        close_sink(sink, CALL_LIMIT)


def _report(name: str, broken: dict[str, list[Deviation]], skipped: list[str]) -> str:
    lines = [f"{name} breaks {len(broken)} of {len(POINTS)} points of the sink contract:"]
    told: dict[str, int] = {}
    for number, (sentence, found) in enumerate(broken.items(), 1):
        lines += ["", f"{number}. {sentence}"]
        again = dict.fromkeys(each.kind for each in found if each.kind in told)
        lines += ["   - " + each.replace("\n", "\n     ") for each in found if each.kind not in told]
        lines += [f"   - events are {kind}, as in {told[kind]}" for kind in again]
        told |= {each.kind: number for each in found if each.kind and each.kind not in told}
    if skipped:
        lines += ["", "not checked:", *(f"   - {each}" for each in skipped)]
    return "\n".join(lines)
