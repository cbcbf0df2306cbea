"""Group commit: threads that store at the same time share one write and one sync.

1. An item joins the batch that is gathering. The thread whose item is the first
   one in the batch leads it. The other threads follow: they wait.
2. The leader waits until the commit under way has ended. If that one was shared
   by several threads, the leader gives up its turn once or twice, so that they
   can join its batch with their next items.
3. The leader closes the batch: no item joins it any more, and the next item
   begins a new batch. Then it commits the batch, under the lock.
4. All threads of a batch get its result: the leader returns or raises, and the
   followers do so after it.
5. Whatever ends the leader early, its batch is closed and its followers go on.
6. A child begins with an empty batch: those items are its parent's.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

_T = TypeVar("_T")

# A leader gives up its turn at most this often, so that as many threads can join its batch as joined the last one. A
# turn is shorter than a commit. That is also true if other threads compute, although each wait for the interpreter
# then takes five milliseconds or more.
_TURNS = 2
# The followers of a batch wait at a gate, which is a lock. A follower that gets through opens the gate for the next
# one, so they wake up one after another. If all woke up at once, the next leader would have to wait for its turn. If
# turns are slow, one gate lets the followers through too slowly, so the batch then has more gates. Measured speed as a
# share of a plain group commit's: one gate 0.87 to 0.89, four gates 0.73; beside two threads that compute, one gate
# 0.73, four gates 0.92.
_MANY_GATES = 4
_SLOW_TURN = 0.002  # seconds


class CommitLock(Protocol):
    """The lock that is held during a commit: a ``threading.Lock`` or a ``ForkSafeLock``."""

    def acquire(self, *, timeout: float) -> bool:
        """Wait at most *timeout* seconds, or for ever if that is -1; return True if the lock was acquired."""

    def release(self) -> object:
        """Release the lock."""


class _Batch(Generic[_T]):
    """The items of one commit, and its result."""

    __slots__ = ("error", "failures", "gates", "items")

    def __init__(self, gates: int) -> None:
        self.items: list[_T] = []
        self.gates = [threading.Lock() for _ in range(gates)]
        for gate in self.gates:
            gate.acquire()
        self.failures: Mapping[int, Exception] = {}
        self.error: BaseException | None = None


class GroupCommit(Generic[_T]):
    """Collects the items that threads want stored, and has one thread store them for all.

    It needs no thread of its own and adds no delay. The slower a commit is, the
    more items gather for the next one.

    :param commit: stores a list of items, in order. It raises if no item is
        known to be stored. If only some failed, it returns their errors, each
        under its item's place in the list.
    :param lock: held during each commit.
    :param timeout: seconds to wait for the commit under way; -1 waits for ever.
    """

    def __init__(
        self, commit: Callable[[list[_T]], Mapping[int, Exception]], *, lock: CommitLock, timeout: float = -1
    ) -> None:
        self._commit = commit
        self._lock = lock
        self._timeout = timeout
        self._last_size = 0  # items in the last batch
        self._gates = 1  # of the batch that begins next
        self._begin()

    def _begin(self) -> None:
        self._mutex = threading.Lock()
        self._batch: _Batch[_T] = _Batch(self._gates)
        self._pid = os.getpid()  # set last: a thread that sees it set also sees the new mutex and batch

    def __call__(self, item: _T) -> None:
        """Store *item*, and return once it is stored.

        :raises TimeoutError: if the commit under way took longer than the timeout.
        :raises Exception: the error of this item, or of the whole commit.
        """
        if self._pid != os.getpid():
            self._begin()  # the items of the inherited batch are stored by the parent
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
    def waiting(self) -> int:
        """How many items wait for the next commit; if there are any, their leader waits for the lock already."""
        return len(self._batch.items)

    @property
    def gates(self) -> int:
        """How many gates let the followers of the next commit through, once it has ended."""
        return len(self._batch.gates)

    @property
    def last_commit_was_shared(self) -> bool:
        """True if several threads shared the last commit."""
        return self._last_size > 1

    def _lead(self, batch: _Batch[_T]) -> None:
        try:
            if not self._lock.acquire(timeout=self._timeout):
                raise TimeoutError(f"the commit under way took longer than {self._timeout} seconds")
            try:
                self._gather(batch)
                self._close(batch)
                self._last_size = len(batch.items)
                batch.failures = self._commit(batch.items)
            finally:
                self._lock.release()
        except BaseException as error:
            # Whatever ends this thread, no follower may wait for it any longer, and no item may join its batch.
            batch.error = error
        finally:
            self._close(batch)
            for gate in batch.gates:
                gate.release()

    def _gather(self, batch: _Batch[_T]) -> None:
        for _ in range(_TURNS):
            if len(batch.items) >= self._last_size:
                break
            turn_began = time.monotonic()
            time.sleep(0)
            self._gates = _MANY_GATES if time.monotonic() - turn_began > _SLOW_TURN else 1

    def _close(self, batch: _Batch[_T]) -> None:
        """Begin a new batch, so that no item joins *batch* any more."""
        with self._mutex:
            if self._batch is batch:
                self._batch = _Batch(self._gates)

    def _raise(self, batch: _Batch[_T], place: int) -> None:
        error = batch.failures.get(place, batch.error)
        if error is None:
            return
        if place and not isinstance(error, Exception):  # SystemExit and the like are meant for the leader only
            raise RuntimeError("the thread that was storing this ended first") from error
        raise error
