"""The base class of sinks that offer more than being called: batches, ``flush``, ``close`` and ``with``."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from ..events import Event, Sink
from ..system.callables import checked_callable, raise_if_unfinished
from .errors import PartialFailure, SinkError, Unavailable, Undeliverable, is_down, raise_failures

__all__ = [
    "BatchSink",
    "PartialFailure",
    "SinkError",
    "Unavailable",
    "Undeliverable",
    "batch_writer",
    "checked_sink",
    "close_sink",
    "is_down",
    "raise_failures",
    "takes_batches",
]


class BatchSink(ABC):
    """A sink that takes batches: a subclass writes :meth:`write`, and the rest follows.

    It is called with one event, as any sink is. As a context manager, it is closed at the end.
    """

    def __call__(self, event: Event) -> None:
        """Store *event*.

        :raises Exception: what :meth:`write` raised. From a
            :class:`PartialFailure`, it is the error of the event.
        """
        try:
            raise_if_unfinished("write", self.write, self.write([event]))
        except PartialFailure as failure:
            raise (failure.failures.get(0) or failure) from None

    @abstractmethod
    def write(self, events: Sequence[Event]) -> None:
        """Store all of *events*, in order.

        :raises PartialFailure: if some were not stored; it names them.
        :raises Exception: if none is known to be stored.
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
    return checked_callable(argument_name, sink, remedy, methods=("write", "flush", "close"))


def close_sink(sink: object, timeout: float | None = None) -> None:
    """Close *sink* within *timeout* seconds, if it has a ``close``."""
    if callable(close := getattr(sink, "close", None)):
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


def takes_batches(sink: Sink) -> bool:
    """Return True if *sink* has a ``write``; a plain callable is called with one event at a time."""
    return callable(getattr(sink, "write", None))


def batch_writer(sink: Sink) -> Callable[[Sequence[Event]], object]:
    """Return a function that stores a batch in *sink*.

    It calls the ``write`` of *sink*. A plain callable is called with each
    event. After an error it is not called with the rest of the batch, and
    :class:`PartialFailure` is raised.
    """

    def write_all(events: Sequence[Event]) -> None:
        write: Callable[[Sequence[Event]], object] = getattr(sink, "write")  # noqa: B009 - a Sink need not have one
        raise_if_unfinished("write", write, write(events))

    def call_with_each(events: Sequence[Event]) -> None:
        for place, event in enumerate(events):
            try:
                raise_if_unfinished("sink", sink, sink(event))
            except Exception as error:
                untried = dict.fromkeys(range(place + 1, len(events)))
                raise PartialFailure({place: error, **untried}) from error

    return write_all if takes_batches(sink) else call_with_each
