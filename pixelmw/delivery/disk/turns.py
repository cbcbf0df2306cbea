"""Forwards what is in a directory while this process has the turn.

1. A process has the turn while it holds the drain lock. It keeps the lock also if there is nothing to forward, and
   gives it back when its thread ends or a step fails.
2. When it takes the turn, it forgets what it has read before: another process may have forwarded it meanwhile.
3. After a step that failed, the files are closed, too: a broken file system cannot be mounted again while a file is
   open there. So they are when the thread ends of a spool that is closed: nobody else will.
"""

from __future__ import annotations

from collections.abc import Callable

from ..worker import NOTHING_LEFT, Step
from .destination import Destination
from .directory import SpoolDirectory
from .drain_lock import DrainLock
from .drainer import Drainer

#: Seconds that new events gather before they are forwarded, so that they share a batch.
GATHER = 0.1


class Turns:
    """The work of a :class:`.Worker` that runs *drainer* whenever this process has the turn.

    :param destination: whose events they are to be.
    :param close_files: called after a step that failed, and when the thread ends of a spool that is closed.
    :ivar is_closed: True once the spool is closed.
    """

    def __init__(
        self,
        directory: SpoolDirectory,
        drainer: Drainer,
        *,
        destination: Destination,
        close_files: Callable[[], object],
    ) -> None:
        self._directory = directory
        self._drainer = drainer
        self._destination = destination
        self._close_files = close_files
        self._lock = DrainLock(directory)
        self.is_closed = False

    def step(self) -> Step:
        """Forward one batch, if this process has the turn; if it has not, there is nothing to do for now."""
        if not self._take_turn():
            return NOTHING_LEFT
        self._destination.look()
        step = self._drainer.step()
        if step.nothing_is_left:
            self._destination.take_over()
        return Step(GATHER, idle=True) if self._drainer.has_caught_up and not step.wait else step

    def give_up(self, *, after_fault: bool) -> None:
        """Give the turn back."""
        self._lock.close()
        if after_fault or self.is_closed:
            self._close_files()

    def abandon(self) -> None:
        """In a child: close the descriptor of the drain lock, which its parent still holds."""
        self._lock.abandon()

    def _take_turn(self) -> bool:
        if self._lock.is_held:
            self._lock.check()
            return True
        if not self._lock.try_take():
            return False
        self._drainer.begin_turn()
        self._directory.cursors.remove_stale()
        return True
