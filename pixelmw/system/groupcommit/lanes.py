"""The lanes of a group commit: who has one, since when, and who wants all of them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..threads import is_held_here, native_lock
from .batch import Turn, open_gate

#: Seconds between two looks of whoever waits. A wake-up is lost only if a thread is interrupted while it wakes another.
LOOK = 1.0


class NotBegun(TimeoutError):
    """What was waited for has not begun: others were busy for too long.

    :ivar is_stuck: True if nobody waited, since the others had been busy for too long before.
    """

    def __init__(self, patience: float, *, is_stuck: bool = False) -> None:
        super().__init__(f"was busy for {patience:g} seconds")
        self.is_stuck = is_stuck


class Lanes:
    """So many lanes, each for one thread at a time.

    :param count: how many there are.
    :param wake_next: called with the mutex held, once a lane is free and nobody wants all of them.
    :param somebody_waits: returns whether there may be anybody to wake.
    :ivar mutex: guards this, and what its owner keeps beside it. Nothing waits while it is held.
    :ivar wanted_whole: who has, or waits for, all lanes. While there is anybody, nobody takes a single one.
    :ivar in_line: who waits for a single lane, or for the commit of another one who has it, by the threads.
    """

    def __init__(self, count: int, *, wake_next: Callable[[], object], somebody_waits: Callable[[], object]) -> None:
        self.mutex = native_lock()
        self.wanted_whole: dict[Turn, None] = {}
        self.in_line: dict[int, Turn] = {}
        self._count = count
        self._wake_next = wake_next
        self._somebody_waits = somebody_waits
        self._taken: dict[Turn, None] = {}
        self._last_taken = 0.0  # when the last lane was, on the monotonic clock

    def is_inside(self) -> bool:
        """Return True if this thread has a lane."""
        return _is_among(self._taken)

    def has_free(self) -> bool:
        """Return True if a lane may be taken; the mutex is held."""
        return not self.wanted_whole and (not self._taken or self._drop_ended() < self._count)

    def admit(self, since: float) -> bool:
        """Return False if each lane has been taken since before *since*.

        :raises RuntimeError: if this thread has a lane, waits for one, or is just taking one, and was interrupted.
        """
        if is_held_here(self.mutex) or self._waits_here():
            raise RuntimeError("this is called in the middle of another call of this thread, which it would change")
        if not self._taken:
            return True
        if self.is_inside():
            raise RuntimeError("this is called from within itself, and would wait for itself")
        if self._last_taken >= since or len(self._taken) < self._count:
            return True
        with self.mutex:
            return self._drop_ended() < self._count

    def take_at_once(self, turn: Turn) -> bool:
        """Take a lane if nobody has one or waits for one; returns False otherwise."""
        if self._taken or self.wanted_whole or self._somebody_waits() or is_held_here(self.mutex):
            return False
        with self.mutex:
            if self._taken or self.wanted_whole or self._somebody_waits():
                return False
            self.take(turn)
            return True

    def take(self, turn: Turn) -> None:
        """Give a lane to *turn*, or all of them; they are free, and the mutex is held."""
        self._last_taken = time.monotonic()
        self._taken[turn] = None

    def give_back(self, turn: Turn) -> None:
        """Free what *turn* has, whatever it is, and wake who comes next."""
        self._taken.pop(turn, None)
        turn.has_left = True
        self.wanted_whole.pop(turn, None)
        # Without the mutex: who comes to stand in line only now sees that the lane is free. So whoever looks through
        # the turns looks through a list of them.
        if self.wanted_whole or self._somebody_waits():
            with self.mutex:
                self.wake()

    def wake(self) -> None:
        """Wake who comes next, if there is a lane for him; the mutex is held."""
        if whole := list(self.wanted_whole):
            if not self._taken and whole[0].wake is not None:
                open_gate(whole[0].wake)
        elif len(self._taken) < self._count:
            self._wake_next()

    def take_all(self, turn: Turn, patience: float) -> bool:
        """Take all lanes; returns False if they did not get free in time. Either way, :meth:`give_back` ends that.

        A thread that was interrupted while it has the mutex keeps the others from going on: it waits for none. One
        that was interrupted while it waits for all lanes is behind itself.
        """
        if is_held_here(self.mutex) or _is_among(self.wanted_whole):
            return False
        deadline = time.monotonic() + patience
        while True:
            with self.mutex:
                self.wanted_whole[turn] = None
                is_free, whole = self._drop_ended() == 0, list(self.wanted_whole)
                if is_free and whole[0] is turn:
                    self.take(turn)
                    return True
                wake = turn.waiting_place()
            if (remaining := deadline - time.monotonic()) <= 0:
                return False
            wake.acquire(timeout=min(remaining, LOOK))

    @contextmanager
    def alone(self, patience: float = math.inf) -> Iterator[None]:
        """Hold all lanes within the block; to a thread that has a lane, that is enough.

        :raises NotBegun: if they were not free within *patience* seconds.
        """
        if self.is_inside():
            yield
            return
        turn = Turn()
        try:
            if not self.take_all(turn, patience):
                raise NotBegun(patience)
            yield
        finally:
            self.give_back(turn)

    def _waits_here(self) -> bool:
        """Return True if this thread waits already, and runs something else meanwhile: a handler of a signal."""
        turn = self.in_line.get(threading.get_ident())
        return (turn is not None and not turn.has_left) or _is_among(self.wanted_whole)

    def _drop_ended(self) -> int:
        """Free the lanes of threads that were ended before they could; returns how many are taken."""
        for turns in (self._taken, self.wanted_whole):
            for turn in [turn for turn in list(turns) if turn.has_left]:
                turns.pop(turn, None)
        return len(self._taken)


def _is_among(turns: dict[Turn, None]) -> bool:
    """Return True if one of *turns* is this thread's."""
    if not turns:
        return False
    own = threading.get_ident()
    for turn in list(turns):  # noqa: SIM110 - each caller asks, and a generator costs as much as all the rest
        if turn.thread == own and not turn.has_left:
            return True
    return False
