"""Group commit: threads that store at the same time share one write and one sync."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

_T = TypeVar("_T")

# How often a leader lets other threads go first, to gather as many as the last time. A turn is shorter than a commit,
# also where other threads compute: there each wait for the interpreter takes five milliseconds or more.
_TURNS = 2
# The followers of a batch wait at a gate, through which each lets the next one: if all woke up at once, they would keep
# the next leader from its turn. But where turns are slow, one gate is too narrow, so then there are more. (Beside a raw
# group commit, one gate reaches 0.87 to 0.89 of its pace and four 0.73; with two threads that compute, 0.73 and 0.92.)
_MANY_GATES = 4
_SLOW_TURN = 0.002  # seconds


class Lock(Protocol):
    """What a commit is done under: a ``threading.Lock``, or a lock that knows of forks."""

    def acquire(self, *, timeout: float) -> bool:
        """Wait at most *timeout* seconds, or for ever where that is -1."""

    def release(self) -> object:
        """Let the lock go."""


class _Batch(Generic[_T]):
    """What is to be committed together, and how that went."""

    __slots__ = ("error", "failures", "gates", "items")

    def __init__(self, gates: int) -> None:
        self.items: list[_T] = []
        self.gates = [threading.Lock() for _ in range(gates)]
        for gate in self.gates:
            gate.acquire()
        self.failures: Mapping[int, Exception] = {}
        self.error: BaseException | None = None


class GroupCommit(Generic[_T]):
    """Collects what threads want stored, and has the first of them store it for all.

    The first to join a batch leads it: it waits for the commit under way, closes
    the batch and commits it, while the next one gathers behind it; the others
    wait until it is done. No thread of its own, no delay, and a batch is as large
    as the last commit was slow. Where the last one was shared, the leader gives up
    a turn or two, so that those whom it has let go join this one, and not the next.

    :param commit: stores a list of items, in order. It raises where none is
        known to be stored, and returns what failed by place where only some did.
    :param lock: held during each commit.
    :param timeout: seconds to wait for the commit under way; -1 waits for ever.
    """

    def __init__(
        self, commit: Callable[[list[_T]], Mapping[int, Exception]], *, lock: Lock, timeout: float = -1
    ) -> None:
        self._commit = commit
        self._lock = lock
        self._timeout = timeout
        self._size = 0  # of the last batch
        self._gates = 1
        self._begin()

    def _begin(self) -> None:
        self._mutex = threading.Lock()
        self._batch: _Batch[_T] = _Batch(self._gates)
        self._owner = os.getpid()  # last: who finds it finds the others, too

    def __call__(self, item: _T) -> None:
        """Return once *item* is stored.

        :raises TimeoutError: where the commit under way took longer than the timeout.
        :raises Exception: what the commit raised.
        """
        if self._owner != os.getpid():
            self._begin()  # a child that went on with its parent's batch would store it again
        with self._mutex:
            batch = self._batch
            place = len(batch.items)
            batch.items.append(item)
        if place:
            with batch.gates[place % len(batch.gates)]:
                pass
        else:
            self._lead(batch)
        if batch.error is not None or batch.failures:
            self._raise(batch, place)

    @property
    def waiting(self) -> bool:
        """Whether more is to be committed; its leader is there already."""
        return bool(self._batch.items)

    @property
    def crowded(self) -> bool:
        """Whether the last commit was shared."""
        return self._size > 1

    def _lead(self, batch: _Batch[_T]) -> None:
        try:
            if not self._lock.acquire(timeout=self._timeout):
                raise TimeoutError(f"the commit under way took longer than {self._timeout} seconds")
            try:
                self._gather(batch)
                self._close(batch)
                self._size = len(batch.items)
                batch.failures = self._commit(batch.items)
            finally:
                self._lock.release()
        except BaseException as error:
            # Whatever ends this thread, nobody may wait for it, or join a batch that it no longer leads.
            batch.error = error
        finally:
            self._close(batch)
            for gate in batch.gates:
                gate.release()

    def _gather(self, batch: _Batch[_T]) -> None:
        for _ in range(_TURNS):
            if len(batch.items) >= self._size:
                break
            given_up = time.monotonic()
            time.sleep(0)
            self._gates = _MANY_GATES if time.monotonic() - given_up > _SLOW_TURN else 1

    def _close(self, batch: _Batch[_T]) -> None:
        """Let nobody join *batch* any more."""
        with self._mutex:
            if self._batch is batch:
                self._batch = _Batch(self._gates)

    def _raise(self, batch: _Batch[_T], place: int) -> None:
        error = batch.failures.get(place, batch.error)
        if error is None:
            return
        if place and not isinstance(error, Exception):  # the leader's exit is not the follower's
            raise RuntimeError("the thread that was storing this ended first") from error
        raise error
