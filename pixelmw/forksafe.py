"""A lock that no fork leaves locked: forking waits for it, and both sides let it go."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from types import TracebackType

# A fork that finds a lock held by a thread that never lets go is delayed by this much, not for ever.
_PATIENCE = 10.0  # seconds


class ForkSafeLock:
    """A lock whose owner is told before its process forks.

    In a child only the forking thread goes on. A lock that another thread held
    would stay locked there for ever, and a connection that was busy would be
    caught in mid-word. So the lock is taken before each fork and let go after
    it, in parent and child.

    :param before_fork: called with the lock held, in the parent, just before it forks.
    """

    def __init__(self, before_fork: Callable[[], object] | None = None) -> None:
        self._lock = threading.Lock()
        self._before_fork = before_fork
        _locks.add(self)

    def acquire(self, timeout: float = -1) -> bool:
        """Wait at most *timeout* seconds, or for ever; tells whether the lock was got."""
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        """Let the lock go."""
        self._lock.release()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._lock.release()


_locks: weakref.WeakSet[ForkSafeLock] = weakref.WeakSet()
_forking = threading.Lock()  # threads that fork at once do so one by one
_held_for_fork: list[ForkSafeLock] = []


def _before() -> None:
    _forking.acquire()
    for lock in list(_locks):
        if lock.acquire(_PATIENCE):
            _held_for_fork.append(lock)
            if lock._before_fork is not None:
                lock._before_fork()


def _after() -> None:
    while _held_for_fork:
        _held_for_fork.pop().release()
    _forking.release()


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
