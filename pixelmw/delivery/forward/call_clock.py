"""Knows which call of a user's is under way, since when, and what the sink had taken before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ...events import Event, Sink
from ...sinks.base import Unavailable, batch_writer, takes_batches
from .item import Item


class CallClock:
    """Notes the calls of one thread, one at a time, so that another thread can see how far it is.

    :ivar is_stopped: True if no other call is made.
    """

    def __init__(self) -> None:
        self.is_stopped = False
        self._current: tuple[object, float] | None = None
        self._taken: list[Item] = []  # in the tries of the current attempt that are over
        self._try = _Try([])

    def stop(self) -> None:
        """Make no other call: whoever waits for this thread goes on without it. The current call is not ended."""
        self.is_stopped = True

    def current(self) -> tuple[object, float] | None:
        """Return what is being called, and for how many seconds; ``None`` if nothing is."""
        current = self._current
        return None if current is None else (current[0], time.monotonic() - current[1])

    def taken(self) -> list[Item]:
        """Return the items that the sink has taken in the current attempt, as far as that is known by now."""
        current = self._try
        # A plain callable gets the next event only after it has taken those before it.
        return [*self._taken, *current.items[: max(0, current.calls - 1)]]

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """The tries within the block are one attempt: what the sink takes is known as done after it."""
        self._taken, self._try = [], _Try([])
        try:
            yield
        finally:
            self._taken, self._try = [], _Try([])

    def begin_try(self, items: Sequence[Item]) -> None:
        """Note that the sink is called with the events of *items* next."""
        self._try = _Try(items)

    def end_try(self, taken: Sequence[Item]) -> None:
        """Note that a try is over, and which items the sink has taken in it."""
        self._try = _Try([])
        self._taken = [*self._taken, *taken]

    def writer(self, sink: Sink) -> Callable[[Sequence[Event]], object]:
        """Return what :func:`.batch_writer` returns for *sink*, with its calls noted; of a plain callable, each one."""
        if takes_batches(sink):
            return _Timed(self, sink, batch_writer(sink))
        return batch_writer(_Counted(self, sink, sink))

    def timed(self, sink: Sink | None) -> Sink | None:
        """Return *sink*, if there is one, with its calls noted."""
        return None if sink is None else _Timed(self, sink, sink)

    def call(self, named: object, function: Callable[..., object], arguments: tuple[object, ...]) -> object:
        """Call *function* on behalf of *named*.

        :raises Unavailable: after :meth:`stop`.
        """
        if self.is_stopped:
            raise Unavailable("it is not called any more: the time for that is over")
        self._current = named, time.monotonic()
        try:
            return function(*arguments)
        finally:
            self._current = None

    def count_call(self) -> None:
        """Note that a plain callable is called with the next event of the try."""
        self._try.calls += 1


class _Try:
    """The items that the sink is being called with, and with how many of them a plain callable has been called."""

    __slots__ = ("calls", "items")

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.calls = 0


class _Timed:
    """A callable that looks in messages like the one that it stands for."""

    def __init__(self, clock: CallClock, named: object, function: Callable[..., object]) -> None:
        self._clock = clock
        self._named = named
        self._function = function

    def __call__(self, *arguments: object) -> object:
        return self._clock.call(self._named, self._function, arguments)

    def __repr__(self) -> str:
        return repr(self._named)


class _Counted(_Timed):
    """The same for a plain callable, which is called with one event after another."""

    def __call__(self, *arguments: object) -> object:
        self._clock.count_call()
        return super().__call__(*arguments)
