"""The part that fan_out and fallback share: what ``check``, ``flush``, ``close`` and ``with`` do for several sinks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from types import TracebackType
from typing import ClassVar, Self

from ...events import Sink
from ...system.figures import figure_of
from ..base import BatchSink, PartialFailure, call_within, checked_sink, close_sink, start_sink
from ..together.lines import timeout_of


class SinkGroup(BatchSink):
    """A sink that is made of others.

    :param name: what error messages call it.
    :ivar timeout: seconds that a ``write`` may take: for each sink, as long in line as that sink then takes.
    """

    lanes: ClassVar[int | None] = None  # each of the sinks has its own
    #: What it says of each event of a batch is what its sinks said, and nothing that another try could change.
    judges_each = True

    def __init__(self, name: str, sinks: Sequence[Sink]) -> None:
        self._name = name
        self._sinks = [checked_sink(f"a sink of {name}", sink) for sink in sinks]
        self.timeout = sum(2 * timeout_of(sink) for sink in sinks)
        self._entered: list[ExitStack] = []  # one for each "with" that has not ended

    @property
    def sinks(self) -> tuple[Sink, ...]:
        """The sinks, in the order in which they were given."""
        return tuple(self._sinks)

    def __repr__(self) -> str:
        return f"{self._name}({', '.join(map(repr, self._sinks))})"

    def start(self) -> None:
        """Start all sinks that have a ``start``.

        :raises ExceptionGroup: with the errors of those that could not be started; all others are.
        """
        errors = []
        for sink in self._sinks:
            try:
                start_sink(sink)
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup(f"{len(errors)} of {len(self._sinks)} sinks were not started", errors)

    def flush(self, timeout: float | None = None) -> bool:
        # All are flushed before the results are looked at, also if the first one is late.
        flushed = [flush() for flush in self._methods("flush", timeout)]
        return all(flushed)

    def close(self, timeout: float | None = None) -> None:
        """Close all sinks that have a ``close``, within *timeout* seconds together.

        :raises ExceptionGroup: with the errors of the sinks that were not closed; all others are closed.
        """
        errors = []
        for close in self._methods("close", timeout):
            try:
                close()
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup(f"{len(errors)} of {len(self._sinks)} sinks were not closed", errors)

    def _repeated(self) -> int | None:
        """The figure ``repeated``, added up over the sinks that tell it; ``None`` if none does."""
        told = [repeated for sink in self._sinks if (repeated := figure_of(sink, "repeated")) is not None]
        return sum(told) if told else None

    def _methods(self, name: str, timeout: float | None) -> Iterator[Callable[[], object]]:
        """Yield the method *name* of each sink that has one, to be called with the remaining part of *timeout*."""
        started = time.monotonic()
        for sink in self._sinks:
            if callable(method := getattr(sink, name, None)):
                remaining = None if timeout is None else max(0.0, timeout - (time.monotonic() - started))
                if name == "close":
                    yield partial(close_sink, sink, remaining)
                else:
                    yield partial(call_within, remaining, method)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for sink in self._sinks:
                if isinstance(sink, AbstractContextManager):
                    stack.enter_context(sink)
                else:
                    stack.callback(close_sink, sink)
            self._entered.append(stack.pop_all())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._entered.pop().__exit__(kind, error, tb)


def members_of(sink: Sink) -> Sequence[Sink]:
    """Return the sinks that *sink* is made of, if it is a ``fan_out`` or a ``fallback``."""
    return sink.sinks if isinstance(sink, SinkGroup) else ()


def failures_by_place(raised: Exception, count: int) -> dict[int, Exception | None]:
    """Return what became of each event of a batch whose sink raised *raised*.

    :param count: how many events the batch has.
    :returns: by the place of each event that was not stored, its error; ``None`` if it was not tried.
    """
    if not isinstance(raised, PartialFailure):
        return dict.fromkeys(range(count), raised)
    if raised.fits(count):
        return dict(raised.failures)
    return dict.fromkeys(range(count))
