"""Makes forwarding give way to accepting, as both share one interpreter."""

from __future__ import annotations

import time

from .journal import Journal

# The part of the interpreter's time that forwarding gets while threads queue up to store events.
_CPU_SHARE = 0.06
_MAX_PAUSE = 0.05  # seconds
# Seconds for which a journal counts as busy after an event was stored: threads that wait for the interpreter store
# nothing for a moment, and are busy all the same.
_BUSY_SECONDS = 0.05


class ReadThrottle:
    """Slows down the thread that forwards, while *journal* is busy.

    A thread that reads a batch only computes, so it keeps the interpreter's lock
    until another thread asks for it. Python makes that thread wait 5 milliseconds
    (``sys.getswitchinterval()``), several times as long as storing an event takes.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._stored = 0
        self._busy_until = 0.0  # on the monotonic clock
        self._cpu_at_last_pause = 0.0  # the thread's processor time, in seconds

    def pause_if_busy(self) -> None:
        """If the journal is busy, sleep so that the work since the last pause is ``_CPU_SHARE`` of work plus sleep."""
        if self._journal.stored != self._stored:
            self._stored = self._journal.stored
            self._busy_until = time.monotonic() + _BUSY_SECONDS
        if self._journal.append.last_commit_was_shared and time.monotonic() < self._busy_until:
            worked = max(0.0, time.thread_time() - self._cpu_at_last_pause)
            time.sleep(min(worked * (1 / _CPU_SHARE - 1), _MAX_PAUSE))
        self._cpu_at_last_pause = time.thread_time()
