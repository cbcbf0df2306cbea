"""The base class of sinks that offer more than being called: batches, ``flush``, ``close`` and ``with``."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from functools import partial, wraps
from types import FunctionType, TracebackType
from typing import Any, ClassVar, Self

from ..events import Event, Sink
from ..system.callables import checked_callable, is_lazy, raise_if_unfinished
from .errors import PartialFailure, SinkError, Unavailable, Undeliverable, is_down, raise_failures
from .together import alone, is_inside, mark_as_in_turn, note_batch, store, write_in_turn

__all__ = [
    "BatchSink",
    "PartialFailure",
    "SinkError",
    "Unavailable",
    "Undeliverable",
    "batch_writer",
    "check_of",
    "checked_sink",
    "close_sink",
    "is_down",
    "raise_failures",
    "start_of",
    "start_sink",
    "store",
    "takes_batches",
]


class BatchSink(ABC):
    """A sink that takes batches: a subclass writes :meth:`write`, and the rest follows.

    It is called with one event, as any sink is. As a context manager, it is closed at the end.
    """

    #: How many calls of ``write`` may run at the same time; ``None`` for any number, and for a ``close`` beside them.
    lanes: ClassVar[int | None] = 1
    #: The most events of visitors that share one ``write``.
    most_together: ClassVar[int] = 500
    #: Seconds that one ``write`` may take, all in all. Nobody waits for others for longer.
    timeout: float = 10.0

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for name, wrap in (("write", _in_turn), ("close", _alone)):
            # What is no plain function is refused where the sink is given to somebody.
            if type(method := cls.__dict__.get(name)) is FunctionType and not is_lazy(method):
                setattr(cls, name, wrap(method))
            elif name == "write" and inspect.iscoroutinefunction(method) and type(method) is FunctionType:
                setattr(cls, name, _awaited(method))

    def __call__(self, event: Event) -> None:
        """Store *event*, together with those of others who come at the same time.

        :raises Exception: what :meth:`write` raised for this event.
        """
        store(self, [event])

    @abstractmethod
    def write(self, events: Sequence[Event]) -> None:
        """Store all of *events*, in order.

        It is called by one thread at a time, and not while :meth:`close` is.

        :raises PartialFailure: if some were not stored; it names them. That of another ``write``, which was given a
            part of *events*, may be passed on as it is.
        :raises Exception: if none is stored. It may then be called again with a part of *events*.
        """

    def check(self, event: Event, encoded: bytes) -> None:  # noqa: B027 - many destinations take any event
        """Say, before anybody takes *event*, whether the destination can ever take it.

        ``Spool`` and ``Background`` ask this, so that no visitor makes dead letters by size. ``fan_out`` does, too, and
        then gives the event to none of its sinks.

        :param encoded: *event* as JSON in UTF-8, in the shortest form, for limits in bytes.
        :raises Undeliverable: if the destination will never take it.
        """

    def start(self) -> None:  # noqa: B027 - many sinks have nothing to start
        """Begin what is not to wait for the first event.

        The middleware calls it once in each process, at the first request of any path. What it raises is logged.
        """

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything that the sink took has arrived at its destination.

        :param timeout: the most seconds to wait; ``None`` for no limit.
        :returns: True if it has.
        """
        return True

    def close(self, timeout: float | None = None) -> None:  # noqa: B027 - many sinks have nothing to close
        """Close the connections; the next event opens new ones.

        :param timeout: the most seconds to wait; ``None`` for no limit.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def checked_sink(argument_name: str, sink: Sink) -> Sink:
    """*sink*, if a call of it and of its methods does its work.

    :param argument_name: what the error message calls it.
    :raises TypeError: if it is not callable, a class, an ``async def`` or a generator function.
    """
    remedy = "any callable that takes an event"
    return checked_callable(argument_name, sink, remedy, methods=("write", "start", "flush", "close"))


def start_sink(sink: object) -> None:
    """Start *sink*, if it has a ``start``."""
    if (start := start_of(sink)) is not None:
        raise_if_unfinished("the method start", start, start())


def start_of(sink: object) -> Callable[[], object] | None:
    """Return the ``start`` of *sink*, or ``None`` if it has none that does anything."""
    start = getattr(sink, "start", None)
    return start if callable(start) and getattr(start, "__func__", None) is not BatchSink.start else None


def close_sink(sink: object, timeout: float | None = None) -> None:
    """Close *sink* within *timeout* seconds, if it has a ``close``; in its turn, if it has a ``write``."""
    if not callable(close := getattr(sink, "close", None)):
        return
    has_turns = callable(getattr(sink, "write", None)) and getattr(sink, "lanes", 1) is not None
    with alone(sink, timeout) if has_turns else nullcontext():
        call_within(timeout, close)


def call_within(timeout: float | None, method: Callable[..., object]) -> object:
    """Call a ``flush`` or ``close`` with *timeout* seconds, or without if that is ``None`` or the method takes none."""
    if timeout is None:
        return method()
    try:
        inspect.signature(method).bind(timeout)
    except TypeError:  # a sink of a user's own may have a plain close(self)
        return method()
    except ValueError:  # a function in C may have no signature that Python knows
        pass
    return method(timeout)


def check_of(sink: Sink) -> Callable[[Event, bytes], object] | None:
    """Return the ``check`` of *sink*, or ``None`` if it has none that could refuse an event."""
    check: Callable[[Event, bytes], object] | None = getattr(sink, "check", None)
    if not callable(check) or getattr(check, "__func__", None) is BatchSink.check:
        return None
    return check


def takes_batches(sink: Sink) -> bool:
    """Return True if *sink* has a ``write``; a plain callable is called with one event at a time."""
    return callable(getattr(sink, "write", None))


def batch_writer(sink: Sink) -> Callable[[Sequence[Event]], object]:
    """Return a function that stores a batch in *sink* for a worker: ``store(sink, events, worker=True)``.

    It calls the ``write`` of *sink*, in its turn. A plain callable is called
    with each event. After an error it is not called with the rest of the batch,
    and :class:`PartialFailure` is raised.
    """
    return partial(store, sink, worker=True)


def _in_turn(write: Callable[..., object]) -> Callable[..., object]:
    @wraps(write)
    def in_turn(self: BatchSink, events: Sequence[Event]) -> object:
        if type(events) is not list:  # as what filter() returns, which can be gone through only once
            events = [*events]
        try:
            if self.lanes is None or is_inside(self):
                return write(self, events)
            write_in_turn(self, partial(write, self), events)
        except PartialFailure as failure:
            note_batch(failure, events)  # which may be a part of those of a subclass
            raise
        return None

    mark_as_in_turn(in_turn, write)
    return in_turn


def _awaited(write: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    @wraps(write)
    async def awaited(self: BatchSink, events: Sequence[Event]) -> object:
        if type(events) is not list:
            events = [*events]
        try:
            return await write(self, events)
        except PartialFailure as failure:
            note_batch(failure, events)
            raise

    return awaited


def _alone(close: Callable[..., object]) -> Callable[..., object]:
    @wraps(close)
    def close_alone(self: BatchSink, *arguments: Any, **options: Any) -> object:
        if self.lanes is None:
            return close(self, *arguments, **options)
        with alone(self, options.get("timeout", arguments[0] if arguments else None)):
            return close(self, *arguments, **options)

    return close_alone
