"""Points of the contract about ``flush``, ``close`` and ``with``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from ...events import Event
from ...sinks.base import call_within
from .arrivals import Deviation
from .bench import Bench, Skip
from .calls import FLUSH_TIMEOUT, GRACE, flushed, refused
from .clock import TookTooLong, time_limit
from .interleave import UNDISTURBED, switch_interval

_CLOSE_TIMEOUT = 10.0  # seconds, as Delivery has it
# So many events one after the other that a thread of the sink's own cannot have stored them all when flush is called.
_BURST = 60


def flush(bench: Bench) -> Iterator[Deviation]:
    """Once it says True, everything is there; it comes back in time, also a second time, and with nothing to do."""
    if not bench.has_flush:
        raise Skip("the sink has no flush of its own: what it took is stored when its call returns")
    method = bench.method("flush")
    yield from flushed(method, FLUSH_TIMEOUT)
    for count in (1, _BURST, 7):
        sent = [bench.event() for _ in range(count)]
        with switch_interval(UNDISTURBED):
            yield from bench.store(*sent)
            found = list(bench.came(sent, patience=0.0))
        yield from found
        if found:
            return
        later = [bench.event() for _ in range(count)]
        yield from bench.store(*later)
        yield from flushed(method, 0.0, all_arrives=False)
        yield from bench.came(later)
    yield from flushed(method, FLUSH_TIMEOUT)
    yield from _without_limit(method)


def _without_limit(method: Callable[..., object]) -> Iterator[Deviation]:
    """Call ``flush()``, which waits as long as it has to; nothing is left to wait for."""
    try:
        with time_limit(GRACE):
            method()
    except TookTooLong:
        yield Deviation(f"flush() did not return within {GRACE:g} seconds, though everything had arrived", "hung")
    except Exception as error:
        yield Deviation(f"flush() raised {error!r}. Give its timeout a default: def flush(self, timeout=None)")


def close(bench: Bench) -> Iterator[Deviation]:
    """Closing is no end: a wrapper closes the sink when it is closed itself, and its next event opens it again."""
    has_close = callable(getattr(bench.sink, "close", None))
    is_context = isinstance(bench.sink, AbstractContextManager)
    if not has_close and not is_context:
        raise Skip("the sink has no close, and no with")
    first = bench.event()
    yield from bench.store(first)
    yield from bench.flush()
    if has_close:
        yield from _closes(bench.method("close"), "close")
        yield from _closes(bench.method("close"), "a second close")
    if not bench.flags.reopens:
        yield from bench.came([first])
        return
    sent = [first]
    for how in ["after close"] * has_close + ["within with", "after with"] * is_context:
        event = bench.event()
        error = _use(bench, event) if how == "within with" else bench.give(event)
        if error is None:
            sent.append(event)
        else:
            words = f"{how}, {refused(event, error)}. Open it again with the next event, or say reopens=False"
            yield Deviation(words)
    yield from bench.came(sent)


def _use(bench: Bench, event: Event) -> Exception | None:
    """Give the sink *event* in a ``with`` block; return what went wrong."""
    try:
        with bench.sink as entered:  # type: ignore[attr-defined]  # it is a context manager
            if not callable(entered):
                return TypeError(f"with gave {entered!r}: let __enter__ return self")
            return bench.give(event)
    except Exception as error:
        return error


def _closes(method: Callable[..., object], what: str) -> Iterator[Deviation]:
    try:
        with time_limit(_CLOSE_TIMEOUT + GRACE):
            call_within(_CLOSE_TIMEOUT, method)
    except TookTooLong:
        yield Deviation(
            f"{what} did not return within {_CLOSE_TIMEOUT + GRACE:g} seconds. Let it wait no longer than told", "hung"
        )
    except Exception as error:
        yield Deviation(f"{what} raised {error!r}. Let it close what is open, and do nothing where nothing is")
