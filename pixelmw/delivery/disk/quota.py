"""Keeps a directory under its size, all processes together, without measuring it for each event."""

from __future__ import annotations

import time

from ..base import Full
from .directory import SpoolDirectory

# A measurement is believed for so many bytes of our own, and at most for that part of what was free...
_BELIEVED_BYTES = 2**20
_BELIEVED_PART = 8
# ...and for so many seconds: when there was room, and when there was none.
_BELIEVED_FOR, _FULL_FOR = 1.0, 0.05


class Quota:
    """How much more may be written to *directory*, of which others write and delete, too."""

    def __init__(self, directory: SpoolDirectory, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._full = False  # at the last measurement
        self._believed = 0  # bytes to write before the next
        self._until = 0.0  # when the next is due, on the monotonic clock

    def admit(self, size: int) -> None:
        """Let *size* bytes be written.

        :raises Full: where they would not fit.
        """
        now = time.monotonic()
        if now > self._until or (size > self._believed and not self._full):
            self._measure(now, size)
        if self._full:
            raise Full(f"{self._directory.path} holds max_bytes={self._max_bytes} bytes and is full")
        self._believed -= size

    def _measure(self, now: float, size: int) -> None:
        free = self._max_bytes - self._directory.size()
        self._full = free < size
        self._believed = max(size, min(_BELIEVED_BYTES, free // _BELIEVED_PART))
        self._until = now + (_FULL_FOR if self._full else _BELIEVED_FOR)
