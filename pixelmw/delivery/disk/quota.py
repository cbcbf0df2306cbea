"""Keeps what is in a directory under its size, all processes together, without measuring it for each event."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..base import Full
from .directory import SpoolDirectory

# Before the next measurement this process may write at most so many bytes, and at most this part of what was free.
# Other processes may do the same.
_MAX_UNMEASURED_BYTES = 2**20
_UNMEASURED_PART = 1 / 8
# Seconds between measurements, since other processes write and delete. A full directory is measured more
# often: it should accept events again soon after some were forwarded.
_MEASURE_INTERVAL = 1.0
_MEASURE_INTERVAL_WHEN_FULL = 0.05


class Quota:
    """How much more may be written; other processes write and delete there, too.

    :param max_bytes: what all that *measure* counts may have together.
    :param measure: returns how many bytes there are.
    :param full: the message of :class:`Full`.
    """

    def __init__(self, max_bytes: int, measure: Callable[[], int], *, full: str) -> None:
        self._max_bytes = max_bytes
        self._bytes_used = measure
        self._full_message = full
        self._full = False  # at the last measurement
        self._bytes_before_measuring = 0
        self._measure_due = 0.0  # on the monotonic clock

    def admit(self, size: int) -> None:
        """Allow *size* bytes to be written.

        :raises Full: if they would not fit.
        """
        now = time.monotonic()
        if now > self._measure_due or (size > self._bytes_before_measuring and not self._full):
            self._measure(now, size)
        if self._full:
            raise Full(self._full_message)
        self._bytes_before_measuring -= size

    def _measure(self, now: float, size: int) -> None:
        free = self._max_bytes - self._bytes_used()
        self._full = free < size
        self._bytes_before_measuring = max(size, min(_MAX_UNMEASURED_BYTES, int(free * _UNMEASURED_PART)))
        self._measure_due = now + (_MEASURE_INTERVAL_WHEN_FULL if self._full else _MEASURE_INTERVAL)


def dead_quota(directory: SpoolDirectory, max_dead_bytes: int) -> Quota:
    """Return the bound of what dead letters and quarantine of a spool's *directory* may have together."""
    full = f"there is no room for more in {directory.path} (max_dead_bytes={max_dead_bytes})"
    return Quota(max_dead_bytes, directory.bytes_dead, full=full)
