"""Counts the events that wait in a directory, and reads each part of it once."""

from __future__ import annotations

import time
from typing import NamedTuple

from .directory import SpoolDirectory
from .records import Record, read_records
from .segments.name import Segment
from .segments.sealed import read_from


class _Counted(NamedTuple):
    """The events of a segment that lie between two offsets, and when it was first seen, on the monotonic clock."""

    start: int
    end: int
    events: int
    seen: float


class Backlog:
    """The events that wait in *directory*, whichever process stored them. Threads must take turns to count.

    :ivar unreadable: the segments that could not be read when they were last counted.
    """

    def __init__(self, directory: SpoolDirectory) -> None:
        self.unreadable: list[Segment] = []
        self._directory = directory
        self._counted: dict[Segment, _Counted] = {}

    def count(self) -> tuple[int, float]:
        """Return how many events wait, and the age in seconds of the oldest segment that holds one of them.

        It is at least as old as the time since it was first counted here: a clock that is set back hides no outage.
        """
        self.unreadable = []
        segments = self._directory.segments()
        self._counted = {segment: self._count_segment(segment) for segment in segments}
        queued = sum(counted.events for counted in self._counted.values())
        waiting = [segment for segment in segments if self._counted[segment].events]
        if not waiting:
            return queued, 0.0
        seen = min(self._counted[segment].seen for segment in waiting)
        return queued, max(time.monotonic() - seen, time.time() - waiting[0].created_ms / 1000)

    def _count_segment(self, segment: Segment) -> _Counted:
        start = self._directory.cursors.read(segment)
        counted = self._counted.get(segment)
        if counted is None or counted.start != start:
            counted = _Counted(start, start, 0, time.monotonic() if counted is None else counted.seen)
        try:
            data = read_from(self._directory, segment, counted.end)
        except FileNotFoundError:  # it was forwarded a moment ago
            return counted
        except OSError:
            self.unreadable.append(segment)
            return counted
        ends = [record.end for record in read_records(data, 0) if isinstance(record, Record)]
        return _Counted(start, counted.end + (ends[-1] if ends else 0), counted.events + len(ends), counted.seen)
