"""Sinks made of sinks: one gives each event to all of them, the other gives it to a second one if the first fails."""

from __future__ import annotations

import copy
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from types import TracebackType
from typing import ClassVar, Self

from ..events import Event, Sink
from ..system.callables import raise_if_unfinished
from ..system.failures import FailureLog, PrivateTexts, texts_in
from ..system.figures import figure_of
from .base import BatchSink, PartialFailure, batch_writer, call_within, checked_sink, raise_failures
from .errors import group_of
from .find_failures import find_failures

logger = logging.getLogger("pixelmw.sinks")


def fan_out(*sinks: Sink) -> BatchSink:
    """Return a sink that gives each of *sinks* its own copy of the event, or of the batch.

    All of them are tried, in order. A client that hears of a failure may send
    the event again. The sinks that had stored it then get it twice, with the
    same messageId. If a sink refuses a batch, the events at fault are searched
    for, and no other event fails.

    ``flush`` and ``close`` are passed on to the sinks that have them, and so is
    ``with``.

    :raises ExceptionGroup: when called, with everything that the sinks raised.
        It is ``Unavailable``, too, if that is all they say, and ``Undeliverable`` likewise.
    :raises PartialFailure: from ``write``, for each event that any sink failed
        to store: its error, or an ``ExceptionGroup`` if several sinks failed.
    :raises ValueError: if there are no sinks.
    :raises TypeError: if one of them is not callable, a class, an ``async def`` or a generator function.
    """
    if not sinks:
        raise ValueError("fan_out needs at least one sink")
    return _FanOut(*sinks)


def fallback(primary: Sink, secondary: Sink) -> BatchSink:
    """Return a sink that gives an event to *secondary* if *primary* raises, and logs why.

    Of a batch, *secondary* gets the events that *primary* did not store. If
    *primary* refuses the batch, these are only the events at fault. ``flush`` and
    ``close`` are passed on to the sinks that have them, and so is ``with``.

    :raises Exception: when called, what *secondary* raised, with what *primary*
        raised as its context.
    :raises TypeError: if one of them is not callable, a class, an ``async def`` or a generator function.
    """
    return _Fallback(primary, secondary)


class _SinkGroup(BatchSink):
    """The part that both kinds share: ``flush``, ``close`` and ``with`` for several sinks."""

    lanes = None  # each of the sinks has its own
    _name: ClassVar[str]

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = [checked_sink(f"a sink of {self._name}", sink) for sink in sinks]
        self._writers = [batch_writer(sink) for sink in sinks]
        self._entered: list[ExitStack] = []  # one for each "with" that has not ended

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

    def stats(self) -> dict[str, int]:
        """Return ``repeated``, added up over the sinks that tell how many events they had already, if any does."""
        told = [repeated for sink in self._sinks if (repeated := figure_of(sink, "repeated")) is not None]
        return {"repeated": sum(told)} if told else {}

    def _methods(self, name: str, timeout: float | None) -> Iterator[Callable[[], object]]:
        """Yield the method *name* of each sink that has one, to be called with the remaining part of *timeout*."""
        started = time.monotonic()
        for sink in self._sinks:
            if callable(method := getattr(sink, name, None)):
                remaining = None if timeout is None else max(0.0, timeout - (time.monotonic() - started))
                yield partial(call_within, remaining, method)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for sink in self._sinks:
                if isinstance(sink, AbstractContextManager):
                    stack.enter_context(sink)
                elif callable(close := getattr(sink, "close", None)):
                    stack.callback(close)
            self._entered.append(stack.pop_all())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._entered.pop().__exit__(kind, error, tb)


class _FanOut(_SinkGroup):
    _name = "fan_out"

    def __repr__(self) -> str:
        return f"fan_out({', '.join(map(repr, self._sinks))})"

    def __call__(self, event: Event) -> None:
        errors = []
        for sink in self._sinks:
            try:
                raise_if_unfinished("a sink of fan_out", sink, sink(copy.deepcopy(event)))
            except Exception as error:
                errors.append(error)
        if errors:
            raise self._as_group(errors)

    def write(self, events: Sequence[Event]) -> None:
        failures: defaultdict[int, list[Exception]] = defaultdict(list)
        for write in self._writers:
            for place, error in find_failures(write, events).items():
                errors = failures[place]
                if error is not None:
                    errors.append(error)
        if failures:
            raise PartialFailure({place: self._one_error(errors) for place, errors in sorted(failures.items())})

    def _one_error(self, errors: list[Exception]) -> Exception | None:
        return self._as_group(errors) if len(errors) > 1 else next(iter(errors), None)

    def _as_group(self, errors: list[Exception]) -> Exception:
        return group_of(f"{len(errors)} of {len(self._sinks)} sinks failed", errors)


class _Fallback(_SinkGroup):
    _name = "fallback"

    def __repr__(self) -> str:
        return f"fallback({', '.join(map(repr, self._sinks))})"

    def __init__(self, *sinks: Sink) -> None:
        super().__init__(*sinks)
        self._failures = FailureLog(logger, logging.WARNING)

    def __call__(self, event: Event) -> None:
        primary, secondary = self._sinks
        try:
            raise_if_unfinished("the first sink of fallback", primary, primary(copy.deepcopy(event)))
        except Exception as error:
            self._failures.log(
                "%r failed; the event goes to %r",
                primary,
                secondary,
                raised=error,
                private=lambda: PrivateTexts(texts_in(event), ()),
            )
            raise_if_unfinished("the second sink of fallback", secondary, secondary(event))

    def write(self, events: Sequence[Event]) -> None:
        write_to_primary, write_to_secondary = self._writers
        try:
            raise_failures(find_failures(write_to_primary, events), len(events))
        except PartialFailure as partial_failure:
            places = sorted(partial_failure.failures)
            self._log_fallback(partial_failure, [events[place] for place in places])
            failures = find_failures(write_to_secondary, [events[place] for place in places])
            if failures:
                by_place = {places[place_in_part]: error for place_in_part, error in failures.items()}
                raise PartialFailure(by_place) from partial_failure
        except Exception as error:
            self._log_fallback(error, events)
            write_to_secondary(events)

    def _log_fallback(self, error: Exception, events: Sequence[Event]) -> None:
        primary, secondary = self._sinks
        self._failures.log(
            "%r failed; %d events go to %r",
            primary,
            len(events),
            secondary,
            raised=error,
            private=lambda: PrivateTexts(texts_in([*events]), ()),
        )
