"""Locks and values that stay usable after a fork: no fork leaves the locks locked, and each process makes its values.

In a child, only the thread that forked goes on. A lock that another thread held
would stay locked in the child for ever, and a connection that another thread
was using would break off in the middle of a message. Hence these rules:

1. A fork first acquires what :func:`take_before_fork` was given, in that order,
   and then every :class:`ForkSafeLock`, so that no other thread holds one of
   them when the process is copied. It waits half a second for all of them
   together, and then goes on without those that it did not get.
   A child gets new ones in their place: whoever holds the old ones does not exist there.
2. The owner of a lock may prepare for the fork while the lock is held, for
   instance by closing a connection: ``before_fork``.
3. A child never uses a :class:`PerProcess` value of its parent, and never
   destroys it. It abandons the value and makes its own.
4. Two threads that fork at the same time do so one after the other, since each
   fork takes and releases all locks. If the first one hangs, for instance in a
   ``before_fork``, the second goes on after a second as where the hooks do not
   run, and its child makes all locks anew.

======================  ====================  ===================================================================
When                    Function              What it does
======================  ====================  ===================================================================
before, in the parent   ``_take_locks``       takes what comes first; acquires each lock, then calls its ``before_fork``
after, in the parent    ``_release_locks``    releases the locks, and gives the rest back
after, in the child     ``_begin_child``      forgets the rest, releases or renews the locks, abandons each inherited
                                              value, and calls ``begin_child`` of what :func:`tell_children` was given
======================  ====================  ===================================================================

Python calls these hooks for ``os.fork`` and for everything that is built on it.
A server that is written in C may fork without them. Then rules
1 and 2 do not hold, and rule 3 still does: whether the process is the one that
made a value is asked at each use (:func:`.current_process`), and the value is
abandoned when the child first asks for its own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from .locks import Lock
from .process import current_process
from .registry import Registry

_T = TypeVar("_T")

#: A fork waits this long for all locks together. Threads that never release their locks delay a fork by this much, and
#: do not prevent it.
MAX_WAIT_BEFORE_FORK = 0.5  # seconds


class ForkSafeLock(Lock):
    """A lock that is free after every fork, in the parent and in the child.

    :param before_fork: called in the parent just before it forks, while the
        lock is held. It must not acquire the lock.
    """

    def __init__(self, before_fork: Callable[[], object] | None = None) -> None:
        super().__init__()
        self._before_fork = before_fork
        _locks.add(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is a lock of its own, that nobody holds."""
        return type(self), (self._before_fork,)


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
        self._process: object = None  # the one that made the value
        self._value: _T | None = None
        self._kept_alive: list[_T] = []  # abandoned values, so that no destructor of theirs runs in this process
        _values.add(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy makes a value of its own: by what the copy of the owner makes, where that is copied, too."""
        return type(self), (self._make, self._abandon)

    def get(self) -> _T:
        """This process's value, which is made if there is none yet; all threads get the same one."""
        # As existing() does, without a call of it, since this is asked for each event.
        value = self._value if self._process is current_process() else None
        if value is None:
            with self._lock:
                value = self.existing()
                if value is None:
                    self._abandon_inherited()
                    value = self._value = self._make()
                    self._process = current_process()
        return value

    def existing(self) -> _T | None:
        """This process's value, or ``None`` if it has not made one."""
        return self._value if self._process is current_process() else None

    def pop(self) -> _T | None:
        """Like :meth:`existing`, and forget the value: the next call of :meth:`get` makes a new one.

        A value that is being made is not waited for: it does not exist yet.
        """
        if self.existing() is None:
            return None
        with self._lock:
            value = self.existing()
            if value is not None:
                self._value = None
            return value

    def _abandon_inherited(self) -> None:
        value, self._value = self._value, None
        if value is not None and self._process is not current_process():
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
    _outer.add(thing)


class BeginsInChild(Protocol):
    """What has something to do when a child of this process begins."""

    def begin_child(self) -> object:
        """Called in each child, whose only thread this is, before anything else runs there."""


def tell_children(thing: BeginsInChild) -> None:
    """Have each child of this process call ``thing.begin_child``, as long as *thing* exists."""
    _told.add(thing)


_outer: Registry[TakenBeforeFork] = Registry()
_locks: Registry[ForkSafeLock] = Registry()
_values: Registry[PerProcess[Any]] = Registry()
_told: Registry[BeginsInChild] = Registry()
_forking = Lock()  # held during a fork, see rule 4
_forking_thread: int | None = None  # the one that has it
_locks_held_for_fork: list[ForkSafeLock] = []
_locks_not_got: list[ForkSafeLock] = []
_taken_for_fork: list[TakenBeforeFork] = []


def _take_locks() -> None:
    global _forking_thread
    deadline = time.monotonic() + MAX_WAIT_BEFORE_FORK  # of all, also of a fork that waits for another one first
    if not _forking.acquire(2 * MAX_WAIT_BEFORE_FORK):  # the other one may need half of that for its locks
        return
    _forking_thread = threading.get_ident()
    for thing in _outer:
        _taken_for_fork.append(thing)
        thing.take(max(0.0, deadline - time.monotonic()))
    for lock in _locks:
        if not lock.acquire(max(0.0, deadline - time.monotonic())):
            _locks_not_got.append(lock)
            continue
        _locks_held_for_fork.append(lock)
        if lock._before_fork is not None:
            lock._before_fork()


def _release_locks() -> None:
    global _forking_thread
    if _forking_thread != threading.get_ident():
        return
    while _locks_held_for_fork:
        _locks_held_for_fork.pop().release()
    _locks_not_got.clear()
    while _taken_for_fork:
        _taken_for_fork.pop().give_back()
    _forking_thread = None
    _forking.release()


def _begin_child() -> None:
    global _forking_thread
    current_process()  # now, while there is one thread
    _taken_for_fork.clear()  # a thread of the parent may have had the lock that guards one of them
    _outer.clear()
    if _forking_thread != threading.get_ident():  # rule 4: another thread has locks, and is not here to release them
        _locks_held_for_fork.clear()
        _locks_not_got[:] = _locks
        Lock.__init__(_forking)
        _forking.acquire()
        _forking_thread = threading.get_ident()
    for lock in _locks_not_got:
        Lock.__init__(lock)
    _release_locks()
    for value in _values:
        value._abandon_inherited()
    for thing in _told:
        thing.begin_child()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(before=_take_locks, after_in_parent=_release_locks, after_in_child=_begin_child)
