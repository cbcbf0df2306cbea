"""Holds a sink's ``write`` up where it begins, so that what comes meanwhile gathers behind it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...events import Event
from .bench import Bench, Skip
from .interleave import started

_LIMIT = 30.0  # seconds for which the gate is closed at most, whatever happens
_ABSENT: Any = object()
#: Seconds that threads have to stand in line. Nothing shows that they do, and the point holds also if some come later.
GATHERING = 0.05


class Gate:
    """Where a ``write`` waits.

    :ivar writes: how many have begun.
    """

    def __init__(self, most: int) -> None:
        self.writes = 0
        self._most = most
        self._mutex = threading.Lock()
        self._arrived = threading.Semaphore(0)
        self._opened = threading.Event()

    def open(self) -> None:
        """Let go on whoever waits, and whoever comes."""
        self._opened.set()

    def wait_for_writes(self, count: int, seconds: float) -> int:
        """Wait until *count* of them have arrived, or the time is over; return how many have."""
        return sum(self._arrived.acquire(timeout=seconds) for _ in range(count))

    def pass_through(self) -> None:
        """Wait at the gate: the first ones do, and nobody once it has been opened."""
        with self._mutex:
            self.writes += 1
            waits = self.writes <= self._most
        if waits:
            self._arrived.release()
            self._opened.wait(_LIMIT)


@contextmanager
def closed_gate(sink: object, most: int) -> Iterator[Gate]:
    """Hold up the first *most* calls of the ``write`` of *sink*; the others go through.

    It stands in the class for the block, since an instance may be frozen, or have slots.

    :raises Skip: if the class has none, as where ``write`` is handed on to another object.
    """
    cls: Any = type(sink)
    usual: Callable[[Any, Sequence[Event]], object] | None = getattr(cls, "write", None)
    if usual is None:
        raise Skip("its class has no write")
    own = vars(cls).get("write", _ABSENT)
    gate = Gate(most)

    @functools.wraps(usual)
    def write(self: object, events: Sequence[Event]) -> object:
        if self is sink:
            gate.pass_through()
        return usual(self, events)

    cls.write = write
    try:
        yield gate
    finally:
        gate.open()
        if own is _ABSENT:
            del cls.write
        else:
            cls.write = own


def gather(
    bench: Bench, first: Sequence[Callable[[], object]], others: Sequence[Callable[[], object]]
) -> list[threading.Thread]:
    """Let *others* come while *first*, one call for each lane, are held up in ``write``, and then let all go on.

    They come in their order. Where ``write`` cannot be held up, they come all the same.

    :returns: the threads, which may still run.
    """
    try:
        with closed_gate(bench.sink, len(first)) as gate:
            threads = started(first)
            gate.wait_for_writes(len(first), GATHERING)
            threads += started(others)
            threading.Event().wait(GATHERING)
    except Skip:
        threads = started([*first, *others])
    return threads
