"""How much waits in a process or is under way, and the bounds of that."""

from __future__ import annotations

import asyncio
import threading

# What waits is mostly the texts of the query, as they came and as the event. Beside 1,000 events of the default, this
# bounds those that are large.
_MAX_WAITING_CHARS = 16 * 2**20
_PER_CALL = 1024  # characters that a call counts for besides


class Place:
    """The place of one call among those that wait or are under way.

    :param chars: characters that the call keeps in memory.
    :param loop: the only one that can end the call, or ``None`` for a thread.
    """

    __slots__ = ("_load", "chars", "loop")

    def __init__(self, load: Load, chars: int, loop: asyncio.AbstractEventLoop | None) -> None:
        self._load: Load | None = load
        self.chars = chars
        self.loop = loop

    def leave(self) -> None:
        """Give the place back, once."""
        load, self._load = self._load, None
        if load is not None:
            load.leave(self)


class Load:
    """The calls of one process that wait or are under way; safe to share between threads.

    A loop that is closed with tasks in it ends none of them. Their places are given back when somebody needs them.

    :param most_calls: the most of them.
    """

    def __init__(self, most_calls: int) -> None:
        self._most_calls = most_calls
        self._lock = threading.Lock()
        self._calls = 0
        self._chars = 0
        self._in_loops: dict[asyncio.AbstractEventLoop, set[Place]] = {}

    @property
    def calls(self) -> int:
        """How many there are."""
        self.leave_closed_loops()
        return self._calls

    def enter(self, chars: int, loop: asyncio.AbstractEventLoop | None = None) -> Place | None:
        """Count one more call, if there is room for it; returns ``None`` if there is none.

        :param chars: characters that it keeps in memory.
        :param loop: the only one that can end it.
        """
        place = Place(self, chars, loop)
        with self._lock:
            if self._calls >= self._most_calls or self._chars + chars + _PER_CALL > _MAX_WAITING_CHARS:
                return None
            self._calls += 1
            self._chars += chars + _PER_CALL
            if loop is not None:
                self._in_loops.setdefault(loop, set()).add(place)
            return place

    def leave(self, place: Place) -> None:
        """Take back what :meth:`enter` counted, which *place* calls once."""
        with self._lock:
            if place.loop is not None:
                places = self._in_loops.get(place.loop, set())
                if place not in places:  # the loop was taken for closed
                    return
                places.remove(place)
                if not places:
                    del self._in_loops[place.loop]
            self._calls -= 1
            self._chars -= place.chars + _PER_CALL

    def leave_closed_loops(self) -> bool:
        """Give back the places in loops that are closed. Returns True if there were any."""
        with self._lock:
            closed = [loop for loop in self._in_loops if loop.is_closed()]
            for loop in closed:
                places = self._in_loops.pop(loop)
                self._calls -= len(places)
                self._chars -= sum(place.chars + _PER_CALL for place in places)
        return bool(closed)
