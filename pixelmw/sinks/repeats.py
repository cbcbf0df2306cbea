"""How often a sink that stores each event once was given one that it had: a stream of these hides a broken link."""

from __future__ import annotations

from typing import TypedDict

from ..system.fork import ForkSafeLock, PerProcess


class StoreStats(TypedDict):
    """The figures of a sink that stores each event once.

    The counter begins at zero in each process, also in a forked one.

    :ivar repeated: counter of events that were not stored, since one with the same messageId was there already.
    """

    repeated: int


class RepeatCounter:
    """Counts such events for one sink; safe to share between threads."""

    def __init__(self) -> None:
        self._in_process: PerProcess[_Count] = PerProcess(_Count)

    def add(self, count: int) -> None:
        """Count *count* more events; zero costs nothing."""
        if count > 0:
            self._in_process.get().add(count)

    def stats(self) -> StoreStats:
        """Return the figures of this process."""
        return {"repeated": self._in_process.get().value}


class _Count:
    def __init__(self) -> None:
        self.value = 0
        self._lock = ForkSafeLock()

    def add(self, count: int) -> None:
        with self._lock:
            self.value += count
