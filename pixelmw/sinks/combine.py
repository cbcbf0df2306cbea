"""Sinks made of sinks."""

from __future__ import annotations

import copy
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from types import TracebackType
from typing import Self

from ..events import Event, Sink
from .base import BatchSink, PartialFailure, batch_writer, raise_failures
from .blame import find_failures

logger = logging.getLogger("pixelmw")


def fan_out(*sinks: Sink) -> BatchSink:
    """A sink that gives each of *sinks* a copy of the event of its own, or of the batch.

    All are tried, in order. A client that is told of a failure may send the
    event again, and those that had stored it get it twice; messageId tells. Of
    a batch that a sink refuses, the events at fault are found, and no other is blamed.

    ``flush`` and ``close`` are passed on to the sinks that have them, and so is
    ``with``.

    :raises ExceptionGroup: when called, with all that the sinks raised.
    :raises PartialFailure: from ``write``, with each event that any sink failed
        to store: its error, or an ``ExceptionGroup`` where several failed.
    :raises ValueError: where there are no sinks.
    """
    if not sinks:
        raise ValueError("fan_out needs at least one sink")
    return _FanOut(*sinks)


def fallback(primary: Sink, secondary: Sink) -> BatchSink:
    """A sink that gives the event to *secondary* where *primary* raises, and logs why.

    Of a batch, *secondary* gets what *primary* did not store: where that refuses
    the batch, only the events at fault. ``flush`` and
    ``close`` are passed on to the sinks that have them, and so is ``with``.

    :raises Exception: when called, what *secondary* raised, with what *primary*
        raised as its context.
    """
    return _Fallback(primary, secondary)


class _Combined(BatchSink):
    """What both have in common: the life cycle of the sinks."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks
        self._writers = [batch_writer(sink) for sink in sinks]
        self._entered = ExitStack()

    def flush(self, timeout: float | None = None) -> bool:
        # One that is late does not keep the others from being asked.
        flushed = [flush() for flush in self._each("flush", timeout)]
        return all(flushed)

    def close(self, timeout: float | None = None) -> None:
        """Close all sinks that can be closed, within *timeout* seconds together.

        :raises ExceptionGroup: with what went wrong; all others are closed.
        """
        errors = []
        for close in self._each("close", timeout):
            try:
                close()
            except Exception as error:
                errors.append(error)
        if errors:
            raise ExceptionGroup(f"{len(errors)} of {len(self._sinks)} sinks were not closed", errors)

    def _each(self, name: str, timeout: float | None) -> Iterator[Callable[[], object]]:
        """The method *name* of the sinks that have it, to be called with what is left of *timeout*."""
        started = time.monotonic()
        for sink in self._sinks:
            if callable(method := getattr(sink, name, None)):
                left = [] if timeout is None else [max(0.0, timeout - (time.monotonic() - started))]
                yield partial(method, *left)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for sink in self._sinks:
                if isinstance(sink, AbstractContextManager):
                    stack.enter_context(sink)
                elif callable(close := getattr(sink, "close", None)):
                    stack.callback(close)
            self._entered = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._entered.__exit__(kind, error, tb)


class _FanOut(_Combined):
    def __repr__(self) -> str:
        return f"fan_out({', '.join(map(repr, self._sinks))})"

    def __call__(self, event: Event) -> None:
        errors = []
        for sink in self._sinks:
            try:
                sink(copy.deepcopy(event))
            except Exception as error:
                errors.append(error)
        if errors:
            raise self._group(errors)

    def write(self, events: Sequence[Event]) -> None:
        failures: defaultdict[int, list[Exception]] = defaultdict(list)
        for write in self._writers:
            for place, error in find_failures(write, events).items():
                errors = failures[place]
                if error is not None:
                    errors.append(error)
        if failures:
            raise PartialFailure({place: self._summary(errors) for place, errors in sorted(failures.items())})

    def _summary(self, errors: list[Exception]) -> Exception | None:
        return self._group(errors) if len(errors) > 1 else next(iter(errors), None)

    def _group(self, errors: list[Exception]) -> Exception:
        return ExceptionGroup(f"{len(errors)} of {len(self._sinks)} sinks failed", errors)


class _Fallback(_Combined):
    def __repr__(self) -> str:
        return f"fallback({', '.join(map(repr, self._sinks))})"

    def __call__(self, event: Event) -> None:
        primary, secondary = self._sinks
        try:
            primary(copy.deepcopy(event))
        except Exception:
            logger.warning("%r failed; the event goes to %r", primary, secondary, exc_info=True)
            secondary(event)

    def write(self, events: Sequence[Event]) -> None:
        write, write_again = self._writers
        try:
            raise_failures(find_failures(write, events), len(events))
        except PartialFailure as partial_failure:
            places = sorted(partial_failure.failures)
            self._warn(len(places))
            failures = find_failures(write_again, [events[place] for place in places])
            if failures:
                raise PartialFailure({places[number]: error for number, error in failures.items()}) from partial_failure
        except Exception:
            self._warn(len(events))
            write_again(events)

    def _warn(self, count: int) -> None:
        primary, secondary = self._sinks
        logger.warning("%r failed; %d events go to %r", primary, count, secondary, exc_info=True)
