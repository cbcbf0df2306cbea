"""Group commit: threads that store at the same time share one write and one sync."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

_T = TypeVar("_T")


class Lock(Protocol):
    """What a commit is done under: a ``threading.Lock``, or a lock that knows of forks."""

    def acquire(self, *, timeout: float) -> bool:
        """Wait at most *timeout* seconds, or for ever where that is -1."""

    def release(self) -> object:
        """Let the lock go."""


class _Batch(Generic[_T]):
    """What is to be committed together, and how that went."""

    __slots__ = ("error", "failures", "gates", "items")

    def __init__(self) -> None:
        self.items: list[_T] = []
        # One lock for each follower, held until the batch is done. (On an event they would all wake up to contend
        # for its lock, which costs a sixth of the throughput.)
        self.gates: list[threading.Lock] = []
        self.failures: Mapping[int, Exception] = {}
        self.error: BaseException | None = None


class GroupCommit(Generic[_T]):
    """Collects what threads want stored, and has the first of them store it for all.

    The first to join a batch leads it: it waits for the commit under way, closes
    the batch and commits it, while the next one gathers behind it; the others
    wait until it is done. No thread of its own, no delay, and a batch is as large
    as the last commit was slow. Where the last one was shared, the leader gives up
    one turn, so that those whom it has let go join this one, and not the next.

    :param commit: stores a list of items, in order. It raises where none is
        known to be stored, and returns what failed by place where only some did.
    :param lock: held during each commit.
    :param timeout: seconds to wait for the commit under way; -1 waits for ever.
    :ivar crowded: whether the last commit was shared.
    """

    def __init__(
        self, commit: Callable[[list[_T]], Mapping[int, Exception]], *, lock: Lock, timeout: float = -1
    ) -> None:
        self._commit = commit
        self._lock = lock
        self._timeout = timeout
        self.crowded = False
        self._begin()

    def _begin(self) -> None:
        self._mutex = threading.Lock()
        self._batch: _Batch[_T] = _Batch()
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
                gate = threading.Lock()
                gate.acquire()
                batch.gates.append(gate)
        if place:
            gate.acquire()
        else:
            self._lead(batch)
        if batch.error is not None or batch.failures:
            self._raise(batch, place)

    @property
    def waiting(self) -> bool:
        """Whether more is to be committed; its leader is there already."""
        return bool(self._batch.items)

    def _lead(self, batch: _Batch[_T]) -> None:
        try:
            if not self._lock.acquire(timeout=self._timeout):
                raise TimeoutError(f"the commit under way took longer than {self._timeout} seconds")
            try:
                if self.crowded:
                    time.sleep(0)
                self._close(batch)
                self.crowded = len(batch.items) > 1
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

    def _close(self, batch: _Batch[_T]) -> None:
        """Let nobody join *batch* any more."""
        with self._mutex:
            if self._batch is batch:
                self._batch = _Batch()

    def _raise(self, batch: _Batch[_T], place: int) -> None:
        error = batch.failures.get(place, batch.error)
        if error is None:
            return
        if place and not isinstance(error, Exception):  # the leader's exit is not the follower's
            raise RuntimeError("the thread that was storing this ended first") from error
        raise error
