"""Knows which call of a user's is under way, and since when."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ...events import Event, Sink
from ...sinks.base import batch_writer, takes_batches


class CallClock:
    """Notes the calls of one thread, one at a time, so that another thread can see how long the current one lasts."""

    def __init__(self) -> None:
        self._current: tuple[object, float] | None = None

    def current(self) -> tuple[object, float] | None:
        """Return what is being called, and for how many seconds; ``None`` if nothing is."""
        current = self._current
        return None if current is None else (current[0], time.monotonic() - current[1])

    def writer(self, sink: Sink) -> Callable[[Sequence[Event]], object]:
        """Return what :func:`.batch_writer` returns for *sink*, with its calls noted; of a plain callable, each one."""
        if takes_batches(sink):
            return _Timed(self, sink, batch_writer(sink))
        return batch_writer(_Timed(self, sink, sink))

    def timed(self, sink: Sink | None) -> Sink | None:
        """Return *sink*, if there is one, with its calls noted."""
        return None if sink is None else _Timed(self, sink, sink)

    def call(self, named: object, function: Callable[..., object], arguments: tuple[object, ...]) -> object:
        """Call *function* on behalf of *named*."""
        self._current = named, time.monotonic()
        try:
            return function(*arguments)
        finally:
            self._current = None


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
