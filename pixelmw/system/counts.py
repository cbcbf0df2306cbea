"""Counts what becomes of requests, without a lock in each of them."""

from __future__ import annotations

from collections import Counter, deque

from .fork import ForkSafeLock

# So many are noted before they are counted: a few kilobytes, and a lock in one request of a thousand.
_MOST_NOTED = 1000


class OutcomeCounts:
    """How often each outcome was seen in this process; safe to share between threads, and across fork."""

    def __init__(self) -> None:
        self._noted: deque[str] = deque()  # both of its ends are safe to use from any thread
        self._counts: Counter[str] = Counter()
        self._lock = ForkSafeLock()

    def add(self, outcome: str) -> None:
        """Count *outcome* once."""
        self._noted.append(outcome)
        if len(self._noted) > _MOST_NOTED:
            self.counts()

    def counts(self) -> dict[str, int]:
        """How often each outcome was added."""
        with self._lock:
            # What is added meanwhile is counted the next time.
            for _ in range(len(self._noted)):
                self._counts[self._noted.popleft()] += 1
            return dict(self._counts)
