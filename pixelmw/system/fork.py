"""Locks and values that stay usable after a fork: no fork leaves the locks locked, and each process makes its values.

In a child, only the thread that forked goes on. A lock that another thread held
would stay locked in the child for ever, and a connection that another thread
was using would break off in the middle of a message. Hence these rules:

1. A fork first acquires what :func:`take_before_fork` was given, in that order,
   and then every :class:`ForkSafeLock`, so that no other thread holds one of
   them when the process is copied. It waits half a second for all of them
   together, and then goes on without those that it did not get.
2. The owner of a lock may prepare for the fork while the lock is held, for
   instance by closing a connection: ``before_fork``.
3. A child never uses a :class:`PerProcess` value of its parent, and never
   destroys it. It abandons the value and makes its own.
4. Two threads that fork at the same time do so one after the other, since each
   fork takes and releases all locks.

======================  ====================  ===================================================================
When                    Function              What it does
======================  ====================  ===================================================================
before, in the parent   ``_take_locks``       takes what comes first; acquires each lock, then calls its ``before_fork``
after, in the parent    ``_release_locks``    releases the locks, and gives the rest back
after, in the child     ``_begin_child``      forgets the rest, releases the locks, and abandons each inherited value
======================  ====================  ===================================================================

Python calls these hooks for ``os.fork`` and for everything that is built on it.
A server that is written in C may fork without them. Then rules
1 and 2 do not hold, and rule 3 still does: a value is compared with the
process id at each use, and abandoned when the child first asks for its own.
"""

from __future__ import annotations

import mmap
import os
import sys
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

from .locks import Lock

_T = TypeVar("_T")

#: A fork waits this long for all locks together. Threads that never release their locks delay a fork by this much, and
#: do not prevent it.
MAX_WAIT_BEFORE_FORK = 0.5  # seconds


class _ForkMark:
    """A byte that a fork sets back to zero, where the system can do that.

    A process id says less: the first process of a container and the first one
    of a container within it, which may be its child, both have the id 1.
    """

    # Linux 4.14 and later; Python has no name for it: include/uapi/asm-generic/mman-common.h.
    _MADV_WIPEONFORK = 18

    def __init__(self) -> None:
        self._page: mmap.mmap | bytearray = bytearray(1)
        if sys.platform == "linux":
            with suppress(OSError):  # an older kernel; then the process id has to do
                page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
                page.madvise(self._MADV_WIPEONFORK)
                self._page = page

    def is_set(self) -> bool:
        return bool(self._page[0])

    def set(self) -> None:
        self._page[0] = 1


def current_process() -> object:
    """An object that stands for this process: it stays the same, and no child has the same one.

    It differs also in a child with the process id of its parent, and in one
    that a server written in C forked without Python's hooks.
    """
    global _process, _pid
    if not _mark.is_set() or _pid != os.getpid():
        _process, _pid = object(), os.getpid()
        _mark.set()
    return _process


_mark = _ForkMark()
_process: object = object()
_pid = 0


class ForkSafeLock(Lock):
    """A lock that is free after every fork, in the parent and in the child.

    :param before_fork: called in the parent just before it forks, while the
        lock is held. It must not acquire the lock.
    """

    def __init__(self, before_fork: Callable[[], object] | None = None) -> None:
        super().__init__()
        self._before_fork = before_fork
        _locks.add(self)


class PerProcess(Generic[_T]):
    """A value that each process makes for itself when it first needs it.

    A child neither uses nor destroys the value that it inherited. The destructor
    of a client library may send something over the connection of the parent, or
    wait for a thread that does not exist in the child.

    :param make: makes the value.
    :param abandon: called in a child with the value that it inherited: right
        after the fork if Python's hooks run, otherwise before the child makes its own.
    """

    def __init__(self, make: Callable[[], _T], abandon: Callable[[_T], object] | None = None) -> None:
        self._make = make
        self._abandon = abandon
        self._lock = ForkSafeLock()
        self._pid = 0  # of the process that made the value
        self._value: _T | None = None
        self._kept_alive: list[_T] = []  # abandoned values, so that no destructor of theirs runs in this process
        _values.add(self)

    def get(self) -> _T:
        """This process's value, which is made if there is none yet; all threads get the same one."""
        value = self.existing()
        if value is None:
            with self._lock:
                value = self.existing()
                if value is None:
                    self._abandon_inherited()
                    value = self._value = self._make()
                    self._pid = os.getpid()
        return value

    def existing(self) -> _T | None:
        """This process's value, or ``None`` if it has not made one."""
        return self._value if self._pid == os.getpid() else None

    def pop(self) -> _T | None:
        """Like :meth:`existing`, and forget the value: the next call of :meth:`get` makes a new one."""
        with self._lock:
            value = self.existing()
            if value is not None:
                self._value = None
            return value

    def _abandon_inherited(self) -> None:
        value, self._value = self._value, None
        if value is not None and self._pid != os.getpid():
            self._kept_alive.append(value)
            if self._abandon is not None:
                self._abandon(value)


class TakenBeforeFork(Protocol):
    """What a fork takes, and gives back in the parent. A child makes its own."""

    def take(self, timeout: float) -> object:
        """Take it, within *timeout* seconds, or give up."""

    def give_back(self) -> object:
        """Give it back, also if it was not taken."""


def take_before_fork(thing: TakenBeforeFork) -> None:
    """Have each fork of this process take *thing* before all locks, as long as it exists.

    It is for what a thread may have while it waits for a lock.
    """
    key = id(thing)
    _outer[key] = os.getpid(), weakref.ref(thing, lambda _: _outer.pop(key, None))


_outer: dict[int, tuple[int, weakref.ref[TakenBeforeFork]]] = {}  # with the process that made it
_locks: weakref.WeakSet[ForkSafeLock] = weakref.WeakSet()
_values: weakref.WeakSet[PerProcess[Any]] = weakref.WeakSet()
_forking = Lock()  # held during a fork, see rule 4
_locks_held_for_fork: list[ForkSafeLock] = []
_taken_for_fork: list[TakenBeforeFork] = []


def _take_locks() -> None:
    _forking.acquire()
    deadline = time.monotonic() + MAX_WAIT_BEFORE_FORK
    for pid, reference in list(_outer.values()):
        if (thing := reference()) is not None and pid == os.getpid():
            _taken_for_fork.append(thing)
            thing.take(max(0.0, deadline - time.monotonic()))
    for lock in list(_locks):
        if lock.acquire(max(0.0, deadline - time.monotonic())):
            _locks_held_for_fork.append(lock)
            if lock._before_fork is not None:
                lock._before_fork()


def _release_locks() -> None:
    while _locks_held_for_fork:
        _locks_held_for_fork.pop().release()
    while _taken_for_fork:
        _taken_for_fork.pop().give_back()
    _forking.release()


def _begin_child() -> None:
    _taken_for_fork.clear()  # a thread of the parent may have had the lock that guards one of them
    _outer.clear()
    _release_locks()
    for value in list(_values):
        value._abandon_inherited()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(before=_take_locks, after_in_parent=_release_locks, after_in_child=_begin_child)
