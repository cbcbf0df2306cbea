"""Keeps the last of a disk from new events, so that those that wait can be forwarded while it is full.

A segment is deleted only after its dead letters are stored, and they need room. If new events took all of the disk, and
each segment held an event that the destination refuses, no segment could ever be deleted. So new events leave as much
as the dead letters of two whole segments take. Who deletes a segment gives back at least what its dead letters took.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

from .journal import SEGMENT_BYTES

# On a small disk less is kept, or nothing would be left for events.
_RESERVED_BYTES = 2 * SEGMENT_BYTES
_RESERVED_PART = 1 / 16
# Before the next look this process may write at most so many bytes, and at most this part of what was free.
_MAX_UNMEASURED_BYTES = 2**20
_UNMEASURED_PART = 1 / 8
# Seconds between looks, since others write, too. While the disk is full, there is one for each event.
_LOOK_INTERVAL = 1.0


class DiskReserve:
    """What is kept free on the disk of the directory at *path*, as far as the file system says how much is free."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bytes_before_look = 0
        self._look_due = 0.0  # on the monotonic clock

    def admit(self, size: int) -> None:
        """Allow *size* bytes of new events to be written.

        :raises OSError: with ``ENOSPC``, as if the disk were full, if they would not leave the reserve.
        """
        now = time.monotonic()
        if size > self._bytes_before_look or now > self._look_due:
            self._look(now, size)
        self._bytes_before_look -= size

    def _look(self, now: float, size: int) -> None:
        status = os.statvfs(self._path)
        total = status.f_blocks * status.f_frsize
        reserved = min(_RESERVED_BYTES, int(total * _RESERVED_PART))
        # A part of the disk may be kept for root.
        free = (status.f_bfree if os.geteuid() == 0 else status.f_bavail) * status.f_frsize - reserved
        if total and free < size:  # some file systems do not know how large they are
            self._bytes_before_look = 0
            what = f"{os.strerror(errno.ENOSPC)}, but for the {reserved} bytes that are kept for dead letters"
            raise OSError(errno.ENOSPC, what, str(self._path))
        self._bytes_before_look = max(size, min(_MAX_UNMEASURED_BYTES, int(free * _UNMEASURED_PART)))
        self._look_due = now + _LOOK_INTERVAL
