"""What outlives a fork whole: a lock that no fork leaves locked, and values that each process makes for itself."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")

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


class PerProcess(Generic[_T]):
    """A value that each process makes for itself when it first needs it.

    What a child inherits is still its parent's: it is never used there, and
    never destroyed, since a client library's destructor may speak to the other
    end, or wait for threads that did not come along.

    :param make: makes the value.
    :param abandon: called in a child with the value that it inherited, soon
        after the fork where Python was told of it, else before the child makes its own.
    """

    def __init__(self, make: Callable[[], _T], abandon: Callable[[_T], object] | None = None) -> None:
        self._make = make
        self._abandon = abandon
        self._lock = ForkSafeLock()
        self._owner = 0  # the process that made the value
        self._value: _T | None = None
        self._abandoned: list[_T] = []
        _values.add(self)

    def get(self) -> _T:
        """This process's value; threads that ask at once get the same."""
        value = self.existing()
        if value is None:
            with self._lock:
                value = self.existing()
                if value is None:
                    self._abandon_inherited()
                    value = self._value = self._make()
                    self._owner = os.getpid()
        return value

    def existing(self) -> _T | None:
        """This process's value, or ``None`` where it has not made one."""
        return self._value if self._owner == os.getpid() else None

    def pop(self) -> _T | None:
        """Like :meth:`existing`, and forget the value, so that the next one who asks gets a new one."""
        with self._lock:
            value = self.existing()
            if value is not None:
                self._value = None
            return value

    def _abandon_inherited(self) -> None:
        value, self._value = self._value, None
        if value is not None and self._owner != os.getpid():
            self._abandoned.append(value)
            if self._abandon is not None:
                self._abandon(value)


_locks: weakref.WeakSet[ForkSafeLock] = weakref.WeakSet()
_values: weakref.WeakSet[PerProcess[Any]] = weakref.WeakSet()
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


def _after_in_child() -> None:
    _after()
    for value in list(_values):
        value._abandon_inherited()


if hasattr(os, "register_at_fork"):  # Windows knows no fork
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after_in_child)
