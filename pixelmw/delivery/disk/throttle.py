"""Keeps forwarding from getting in the way of accepting, where both share one interpreter."""

from __future__ import annotations

import time

from .journal import Journal

# The part of the interpreter's time that forwarding gets while threads queue up to store events.
_SHARE = 0.06
_LONGEST_BREATH = 0.05  # seconds
# Seconds for which a journal is busy after an event was stored: threads that wait for the interpreter store nothing.
_BUSY_FOR = 0.05


class ReadThrottle:
    """Slows down the thread that forwards, while *journal* is busy.

    Reading a batch is pure computation: it would hold the interpreter's lock
    until it is asked to let go, which is five milliseconds later, several times
    what it takes to store an event.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._stored = 0
        self._busy_until = 0.0  # on the monotonic clock
        self._worked = 0.0  # the thread's processor time at its last breath

    def pause_if_busy(self) -> None:
        """Rest for as long as the work since the last breath should have taken at that share of the time."""
        if self._journal.stored != self._stored:
            self._stored = self._journal.stored
            self._busy_until = time.monotonic() + _BUSY_FOR
        if self._journal.append.crowded and time.monotonic() < self._busy_until:
            worked = max(0.0, time.thread_time() - self._worked)
            time.sleep(min(worked * (1 / _SHARE - 1), _LONGEST_BREATH))
        self._worked = time.thread_time()
