"""The errors that a sink raises if it has not stored an event. Each says if another try makes sense."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..events import SinkError, Undeliverable

__all__ = ["PartialFailure", "SinkError", "Unavailable", "Undeliverable", "is_down", "raise_failures"]

#: Bytes. No proxy refuses less at once, whatever the server behind it takes: ProxySQL's mysql-max_allowed_packet cannot
#: be smaller. A connection that is lost over more may have been lost for that.
SMALLEST_LIMIT = 8192


class Unavailable(SinkError):
    """The destination takes nothing at the moment, or it is not known whether it took this: try again later.

    :ivar retry_after: the seconds that the destination asked to be left alone, or ``None``.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        try:  # the text of a header is a number, or a date
            self.retry_after = None if retry_after is None else float(retry_after)
        except (TypeError, ValueError):
            self.retry_after = None


class PartialFailure(SinkError):
    """Some events of a batch were not stored; all others were.

    :ivar failures: the place of each event that was not stored, counted from
        0 within the batch, and the error that it met; ``None`` if the sink did
        not try it.
    """

    def __init__(self, failures: Mapping[int, Exception | None]) -> None:
        errors = [error for error in failures.values() if error is not None]
        first = f"; the first error: {errors[0]}" if errors else ""
        super().__init__(f"{len(failures)} events of the batch were not stored{first}")
        self.failures = failures

    def fits(self, count: int) -> bool:
        """Returns True if each place is one of a batch of *count*; if not, none of the places can be believed."""
        return self.failures.keys() <= set(range(count))


def is_down(error: Exception | None) -> bool:
    """Return True if *error* says that the sink takes nothing, whichever event it is given.

    An ``OSError`` says so if it has an ``errno``, or is a ``ConnectionError``
    or a ``TimeoutError``. Other subclasses do not: HTTP clients also derive
    from ``OSError`` the error for a server that refused what was sent. A group
    of several errors says so if each of them does.
    """
    if isinstance(error, OSError):
        return error.errno is not None or isinstance(error, ConnectionError | TimeoutError)
    if isinstance(error, ExceptionGroup):
        return all(map(is_down, error.exceptions))
    return isinstance(error, Unavailable)


def longest_retry_after(errors: Iterable[Exception]) -> float | None:
    """Return the longest ``retry_after`` of *errors*, also of those within groups; ``None`` if none has one."""
    pauses = []
    for error in errors:
        if isinstance(error, Unavailable):
            pauses.append(error.retry_after)
        elif isinstance(error, ExceptionGroup):
            pauses.append(longest_retry_after(error.exceptions))
    return max((pause for pause in pauses if pause is not None), default=None)


class UnavailableGroup(Unavailable, ExceptionGroup[Exception]):
    """What several sinks raised: each of them takes nothing at the moment."""

    def __new__(cls, message: str, errors: Sequence[Exception]) -> UnavailableGroup:
        return ExceptionGroup.__new__(cls, message, errors)

    def __init__(self, message: str, errors: Sequence[Exception]) -> None:
        super().__init__(message, retry_after=longest_retry_after(errors))
        self.args = (message, errors)  # which a copy is made of


class UndeliverableGroup(Undeliverable, ExceptionGroup[Exception]):
    """What several sinks raised: each of them will never take this event."""


def group_of(message: str, errors: Sequence[Exception]) -> ExceptionGroup[Exception]:
    """Return *errors* as a group, which is of their kind, if they are of one.

    A group of sinks that are down is :class:`Unavailable`, with the longest
    ``retry_after``; one of :class:`Undeliverable` is that. Any other is a plain one.
    """
    if all(map(is_down, errors)):
        return UnavailableGroup(message, errors)
    if all(isinstance(error, Undeliverable) for error in errors):
        return UndeliverableGroup(message, errors)
    return ExceptionGroup(message, errors)


def raise_failures(failures: Mapping[int, Exception | None], count: int) -> None:
    """Raise an error for the events of a batch that were not stored; return if there are none.

    :param failures: as in :class:`PartialFailure`.
    :param count: how many events the batch has.
    :raises PartialFailure: for some of several events.
    :raises Exception: the error itself, if the batch has only one event, or
        the first one, if every event failed because the sink is down.
    """
    if failures:
        raise error_of(failures, count)


def error_of(failures: Mapping[int, Exception | None], count: int) -> Exception:
    """Return what :func:`raise_failures` raises; there are some."""
    first = next(iter(failures.values()))
    alone = len(failures) == count == 1
    if first is not None and (alone or (len(failures) == count and all(map(is_down, failures.values())))):
        return first
    return PartialFailure(dict(sorted(failures.items())))
