"""Points of the contract about ``flush``, ``close`` and ``with``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from ...events import Event
from .bench import GRACE, Bench, Skip, call_with_timeout, flushed, refused
from .clock import TookTooLong, time_limit
from .interleave import switch_interval

_CLOSE_TIMEOUT = 10.0  # seconds, as Delivery has it
# So many events one after the other that a thread of the sink's own cannot have stored them all when flush is called.
_BURST = 60
# Seconds for which this thread keeps the interpreter, unless it waits: a thread of the sink's gets on only while flush
# waits for it, or while the store is read.
_UNDISTURBED = 5.0


def flush(bench: Bench) -> Iterator[str]:
    """Once it says True, everything is there; it comes back in time, also a second time, and with nothing to do."""
    if (method := bench.method("flush")) is None:
        raise Skip("the sink has no flush: what it took is stored when its call returns")
    yield from flushed(method, 10.0)
    for count in (1, _BURST, 7):
        sent = [bench.event() for _ in range(count)]
        with switch_interval(_UNDISTURBED):
            yield from bench.store(*sent)
            yield from bench.came(sent)
        yield from bench.store(*(later := [bench.event() for _ in range(count)]))
        yield from _comes_back(method, 0.0)
        yield from bench.came(later)
    yield from flushed(method, 10.0)
    yield from _without_limit(method)


def _without_limit(method: Callable[..., object]) -> Iterator[str]:
    """Call ``flush()``, which waits as long as it has to; nothing is left to wait for."""
    try:
        with time_limit(GRACE):
            method()
    except TookTooLong:
        yield f"flush() did not return within {GRACE:g} seconds, though everything had arrived"
    except Exception as error:
        yield f"flush() raised {error!r}. Give its timeout a default: def flush(self, timeout=None)"


def _comes_back(method: Callable[..., object], timeout: float) -> Iterator[str]:
    try:
        with time_limit(timeout + GRACE):
            call_with_timeout(method, timeout)
    except TookTooLong:
        yield f"flush({timeout:g}) did not return within {timeout + GRACE:g} seconds. Let it wait no longer than told"
    except Exception as error:
        yield f"flush({timeout:g}) raised {error!r}. Let it return False where not everything has arrived"


def close(bench: Bench) -> Iterator[str]:
    """Closing is no end: a wrapper closes the sink when it is closed itself, and its next event opens it again."""
    method = bench.method("close")
    is_context = isinstance(bench.sink, AbstractContextManager)
    if method is None and not is_context:
        raise Skip("the sink has no close, and no with")
    first = bench.event()
    yield from bench.store(first)
    yield from bench.flush()
    if method is not None:
        yield from _closes(method, "close")
        yield from _closes(method, "a second close")
    if not bench.flags.reopens:
        yield from bench.came([first])
        return
    sent = [first]
    for how in ["after close"] * (method is not None) + ["within with", "after with"] * is_context:
        event = bench.event()
        error = _use(bench, event) if how == "within with" else bench.give(event)
        if error is None:
            sent.append(event)
        else:
            yield f"{how}, {refused(event, error)}. Open it again with the next event, or say reopens=False"
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


def _closes(method: Callable[..., object], what: str) -> Iterator[str]:
    try:
        with time_limit(_CLOSE_TIMEOUT + GRACE):
            call_with_timeout(method, _CLOSE_TIMEOUT)
    except TookTooLong:
        yield f"{what}({_CLOSE_TIMEOUT:g}) did not return within {_CLOSE_TIMEOUT + GRACE:g} seconds"
    except Exception as error:
        yield f"{what} raised {error!r}. Let it close what is open, and do nothing where nothing is"
