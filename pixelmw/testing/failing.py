"""A sink that fails when it is told to, in front of one that works."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Sequence
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Self

from ..events import Event, Sink
from ..sinks.base import Unavailable, takes_batches


class Failing:
    """Raises *error* at some of its calls, and hands on the others to *sink*.

    ::

        sink = Background(Failing(events.append, fail=[1, 3], error=Undeliverable("too large")))

    It has ``write`` if *sink* has: a batch is one call. Everything else, such as
    ``flush`` and ``close``, is that of *sink*.

    :param sink: any sink.
    :param fail: the numbers of the calls that fail, counted from 1: a list, a ``range``, or anything that has ``in``.
    :param error: what they raise; an exception, or a class of them. The default is :class:`pixelmw.sinks.Unavailable`.
    :ivar calls: how many calls there were so far, failed ones included.
    """

    def __init__(
        self, sink: Sink, fail: Container[int] = (), error: BaseException | type[BaseException] | None = None
    ) -> None:
        if not callable(sink):
            raise TypeError(f"sink is {sink!r}: give any callable that takes an event")
        if not isinstance(fail, Container) or isinstance(fail, str | bytes):
            raise TypeError(f"fail is {fail!r}: give the numbers of the calls that fail, such as [1, 3]")
        self.sink = sink
        self.fail = fail
        self.error = Unavailable("this call fails, as the test wants it") if error is None else error
        self.calls = 0
        self._lock = threading.Lock()
        self._entered: list[ExitStack] = []  # one for each "with" that has not ended

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.sink!r}, fail={self.fail!r})"

    def __call__(self, event: Event) -> None:
        """Hand on *event*, or fail.

        :raises BaseException: the error, or what the sink raised.
        """
        self._count()
        self.sink(event)

    def __getattr__(self, name: str) -> Any:
        # Called for what the class lacks. A sink without "write" must not seem to have one.
        if name == "write" and takes_batches(self.sink):
            return self._write_to(self.sink.write)  # type: ignore[attr-defined]  # takes_batches looked for it
        if name in ("write", "sink"):  # "sink" is missing only in a copy that is not filled yet
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.sink, name)

    def _write_to(self, write: Callable[[Sequence[Event]], object]) -> Callable[[Sequence[Event]], None]:
        def write_or_fail(events: Sequence[Event]) -> None:
            self._count()
            write(events)

        return write_or_fail

    def _count(self) -> None:
        with self._lock:
            self.calls += 1
            number = self.calls
        if number in self.fail:
            raise self.error

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            if isinstance(self.sink, AbstractContextManager):
                stack.enter_context(self.sink)
            self._entered.append(stack.pop_all())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._entered.pop().__exit__(kind, error, tb)
