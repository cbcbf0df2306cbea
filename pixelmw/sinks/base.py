"""What a sink can offer beyond being called: batches, a life cycle, and words for what went wrong."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TypeVar

from ..events import Event, Sink

_S = TypeVar("_S", bound="BatchSink")


class Undeliverable(Exception):
    """The destination will not take this, however often it is sent: too large, malformed, refused."""


class Unavailable(Exception):
    """The destination takes nothing at the moment, or nobody knows whether it did: send it again later.

    :ivar retry_after: seconds that the destination asked to be left alone, or ``None``.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PartialFailure(Exception):
    """Some events of a batch were not stored; all others were.

    :ivar failures: place in the batch to the error that the event at that
        place met, or to ``None`` where it was not tried.
    """

    def __init__(self, failures: Mapping[int, Exception | None]) -> None:
        errors = [error for error in failures.values() if error is not None]
        first = f", for one: {errors[0]}" if errors else ""
        super().__init__(f"{len(failures)} events of the batch were not stored{first}")
        self.failures = failures


def is_down(error: Exception | None) -> bool:
    """Whether *error* says that the sink takes nothing, whichever event it is.

    Of the system's errors, it is those with a number. HTTP clients derive
    theirs from ``OSError``, too, also where a server refused what was sent.
    """
    if isinstance(error, OSError):
        return error.errno is not None or isinstance(error, ConnectionError | TimeoutError)
    return isinstance(error, Unavailable)


def raise_failures(failures: Mapping[int, Exception | None], count: int) -> None:
    """Raise what says most shortly which events of a batch of *count* were not stored, and why."""
    if not failures:
        return
    first = next(iter(failures.values()))
    alone = len(failures) == count == 1
    all_down = len(failures) == count and all(isinstance(error, Unavailable) for error in failures.values())
    if first is not None and (alone or all_down):
        raise first
    raise PartialFailure(dict(sorted(failures.items())))


class BatchSink(ABC):
    """A sink that takes batches: a subclass writes :meth:`write`, and the rest follows.

    It is called with one event as any sink is. As a context manager it is closed at the end.
    """

    def __call__(self, event: Event) -> None:
        try:
            self.write([event])
        except PartialFailure as failure:
            raise (failure.failures[0] or failure) from None

    @abstractmethod
    def write(self, events: Sequence[Event]) -> None:
        """Store all of *events*, in order.

        :raises PartialFailure: where some were not stored; it names them.
        :raises Exception: where none is known to be stored.
        """

    def flush(self, timeout: float | None = None) -> bool:
        """Wait at most *timeout* seconds, or for ever, until all that was taken is where it belongs; tells whether."""
        return True

    def close(self, timeout: float | None = None) -> None:  # noqa: B027 - many sinks hold nothing to let go of
        """Let go of connections, within *timeout* seconds; the next event opens them again."""

    def __enter__(self: _S) -> _S:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def close_sink(sink: object, timeout: float | None = None) -> None:
    """Close *sink* within *timeout* seconds, if it is one that can be closed."""
    if callable(close := getattr(sink, "close", None)):
        close(*([] if timeout is None else [timeout]))


def takes_batches(sink: Sink) -> bool:
    """Whether *sink* has a ``write``; a plain callable is called with each event alone."""
    return callable(getattr(sink, "write", None))


def batch_writer(sink: Sink) -> Callable[[Sequence[Event]], object]:
    """What stores a batch in *sink*: its ``write``, or for a plain callable, one call for each event.

    A plain callable that raises is not called with the rest of the batch.
    """
    write: Callable[[Sequence[Event]], object] | None = getattr(sink, "write", None)
    if callable(write):
        return write

    def call_with_each(events: Sequence[Event]) -> None:
        for place, event in enumerate(events):
            try:
                sink(event)
            except Exception as error:
                untried = dict.fromkeys(range(place + 1, len(events)))
                raise PartialFailure({place: error, **untried}) from error

    return call_with_each
