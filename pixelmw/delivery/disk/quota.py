"""Keeps a directory under its size, all processes together, without measuring it for each event."""

from __future__ import annotations

import time

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
    """How much more may be written to *directory*; other processes write and delete there, too.

    :param max_bytes: what all files in the directory may have together.
    """

    def __init__(self, directory: SpoolDirectory, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
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
            raise Full(f"{self._directory.path} is full (max_bytes={self._max_bytes})")
        self._bytes_before_measuring -= size

    def _measure(self, now: float, size: int) -> None:
        free = self._max_bytes - self._directory.bytes_used()
        self._full = free < size
        self._bytes_before_measuring = max(size, min(_MAX_UNMEASURED_BYTES, int(free * _UNMEASURED_PART)))
        self._measure_due = now + (_MEASURE_INTERVAL_WHEN_FULL if self._full else _MEASURE_INTERVAL)
