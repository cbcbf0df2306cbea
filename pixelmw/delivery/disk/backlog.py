"""Counts the events that wait in a directory, reading each part of it once."""

from __future__ import annotations

import time
from contextlib import suppress

from .directory import Segment, SpoolDirectory
from .records import Record, scan


class Backlog:
    """What waits in *directory*, whichever process stored it."""

    def __init__(self, directory: SpoolDirectory) -> None:
        self._directory = directory
        self._known: dict[Segment, tuple[int, int, int]] = {}  # counted from, counted to, found

    def count(self) -> tuple[int, float]:
        """How many events wait, and the age of the oldest of them in seconds."""
        segments = self._directory.segments()
        self._known = {segment: self._count(segment) for segment in segments}
        queued = sum(found for _, _, found in self._known.values())
        waiting = [segment for segment in segments if self._known[segment][2]]
        return queued, max(0.0, time.time() - waiting[0].created / 1000) if waiting else 0.0

    def _count(self, segment: Segment) -> tuple[int, int, int]:
        start = self._directory.forwarded(segment)
        known = self._known.get(segment)
        counted, found = (known[1], known[2]) if known is not None and known[0] == start else (start, 0)
        with suppress(OSError):  # forwarded just now
            data = self._directory.peek(segment, counted)
            ends = [record.end for record in scan(data, 0) if isinstance(record, Record)]
            counted += ends[-1] if ends else 0
            found += len(ends)
        return start, counted, found
