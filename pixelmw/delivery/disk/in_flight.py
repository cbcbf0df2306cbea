"""Remembers which events a sink is being called with, for the process that comes after a death.

It is a line of JSON in the file ``in-flight``, which the process that holds the drain lock writes before and after each
call of the sink, and deletes when nothing is left. It is not synced: it is to outlive the process, and a power cut is
no fault of an event's. Its writer holds the file's lock, which the system gives back when that process dies. If the
lock is held, that process is stopped and lives: its file is replaced, so that it changes nothing once it runs on.

============================================= ========================================================================
what the next process finds                   what it does
============================================= ========================================================================
no call was under way                         nothing
the lock is held: nobody has died             as if no call was under way; it makes another file
a call with several events was under way      it sends as many events one by one
a call with one event was under way           it counts a death for that event, and sends it alone again
``MAX_DEATHS`` deaths of an event             it makes a dead letter of it
a user's ``dead_letter`` was called           it counts a death for that call, and tries again; after ``MAX_DEATHS``
                                              the dead letter goes to the folder ``dead``
============================================= ========================================================================
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ...sinks.encoding import decode
from ...system.files import try_to_lock_file
from ...system.fork import tell_children
from .directory import IN_FLIGHT, SpoolDirectory

#: Deaths of processes while one event was alone in flight, after which that is no chance.
MAX_DEATHS = 3
# Seconds that whoever closes this waits for a write, which may wait for the disk.
_PATIENCE = 0.1
# Events that are remembered by their deaths. There is rarely more than one, and the line stays within a page.
_MAX_REMEMBERED = 16
_MAX_BYTES = 4096
# If the event at fault was not among those that were sent one by one, since others were read again in front of them,
# so many more are with each further death.
_MORE_EACH_TIME = 250


class InFlight:
    """What is in flight in *directory*; its user must hold the drain lock.

    Whatever fails here is passed over: it must not keep events from their destination.

    :ivar deaths: how many processes died while an event was alone in flight, by the place of the event.
    """

    def __init__(self, directory: SpoolDirectory) -> None:
        self.deaths: dict[str, int] = {}
        self._directory = directory
        self._deaths_of_batches = 0
        self._is_flying = False
        self._has_ended = False
        self._descriptor: int | None = None
        self._lock = threading.Lock()  # so that nobody writes to a descriptor that is being closed
        tell_children(self)

    def take_over(self) -> int:
        """Look what a process has left that had the turn before; returns how many events to send one by one."""
        with suppress(OSError, ValueError):
            return self._take_over()
        return 0

    @contextmanager
    def flying(self, events: int, alone: str | None) -> Iterator[None]:
        """Note that the sink is called with so many *events* within the block.

        :param alone: the place of the event, if it is one.
        """
        self._is_flying = True
        self._write(events, alone)
        try:
            yield
        finally:
            self._is_flying = False
            if alone is None:
                self._deaths_of_batches = 0
            else:
                self.deaths.pop(alone, None)
            self._write(0, None)

    def end_in_order(self) -> None:
        """Note that this process does not die of what is in flight, if anything is: it ends, and the sink is slow.

        Nothing is noted after that: another process may have the turn when the call returns.
        """
        if self._is_flying and self._lock.acquire(timeout=_PATIENCE):
            try:
                self._write_line(0, None)
            finally:
                self._lock.release()
        self._has_ended = True

    def remove(self) -> None:
        """Delete the file, since no event is left; the next call of the sink makes another."""
        if self._descriptor is not None:
            with self._lock:
                self.abandon()
            self.deaths.clear()
            with suppress(OSError), self._directory.open() as opened:
                opened.remove(IN_FLIGHT)

    def close(self) -> None:
        """Close the file, unless the disk hangs; the next call of the sink opens it again."""
        if self._lock.acquire(timeout=_PATIENCE):
            try:
                self.abandon()
            finally:
                self._lock.release()

    def abandon(self) -> None:
        """In a child: close the descriptor of its parent."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def begin_child(self) -> None:
        """A child that kept the lock would make its parent look alive."""
        self.abandon()

    def _take_over(self) -> int:
        with self._lock:
            self.abandon()  # another process may have deleted or replaced the file meanwhile
            descriptor, has_died = self._open()
            line = os.pread(descriptor, _MAX_BYTES, 0).partition(b"\n")[0]
        found: Any = decode(line or b"{}")
        if not isinstance(found, dict):
            return 0
        segments = {segment.name for segment in self._directory.segments()}
        deaths = found.get("deaths")
        self.deaths = {
            place: count
            for place, count in (deaths.items() if isinstance(deaths, dict) else ())
            if isinstance(count, int) and place.partition(":")[0] in segments
        }
        self._deaths_of_batches = _whole(found.get("batches"))
        events, alone = _whole(found.get("events")), found.get("alone")
        if not has_died and not self._deaths_of_batches:
            events = 0
        elif has_died and isinstance(alone, str):
            self.deaths[alone] = self.deaths.get(alone, 0) + 1
        elif has_died and events:
            self._deaths_of_batches += 1
        self._write(0, None)
        return events + _MORE_EACH_TIME * (self._deaths_of_batches - 1) if self._deaths_of_batches else events

    def _write(self, events: int, alone: str | None) -> None:
        if not self._has_ended:
            with self._lock:
                self._write_line(events, alone)

    def _write_line(self, events: int, alone: str | None) -> None:
        """Write what is in flight; the lock is held."""
        deaths = dict([*self.deaths.items()][-_MAX_REMEMBERED:])
        line = {"events": events, "alone": alone, "batches": self._deaths_of_batches, "deaths": deaths}
        # One write, which a killed process has made or not. What is left behind it of a longer line is not read.
        with suppress(OSError):
            os.pwrite(self._open()[0], json.dumps(line).encode() + b"\n", 0)

    def _open(self) -> tuple[int, bool]:
        """Open the file, or another one in its place; returns its descriptor, and whether its last writer is gone."""
        if self._descriptor is not None:
            return self._descriptor, True
        self._descriptor = self._directory.open_file(IN_FLIGHT)
        if is_free := try_to_lock_file(self._descriptor):
            return self._descriptor, is_free
        line = os.pread(self._descriptor, _MAX_BYTES, 0)
        self.abandon()
        with self._directory.open() as opened:
            opened.remove(IN_FLIGHT)
            self._descriptor = opened.create(IN_FLIGHT, os.O_RDWR)
        try_to_lock_file(self._descriptor)
        os.pwrite(self._descriptor, line, 0)
        return self._descriptor, is_free


def _whole(value: Any) -> int:
    """Return *value* if it is a number of events or deaths that can be, else 0."""
    return value if isinstance(value, int) and 0 < value < 10**6 else 0
