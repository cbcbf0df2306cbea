"""Group commit: threads that store at the same time share one write and one sync."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from .forksafe import PerProcess

_T = TypeVar("_T")


class Lock(Protocol):
    """What a commit is done under: a ``threading.Lock``, or a lock that knows of forks."""

    def acquire(self, *, timeout: float) -> bool:
        """Wait at most *timeout* seconds, or for ever where that is -1."""

    def release(self) -> object:
        """Let the lock go."""


class _Batch(Generic[_T]):
    """What is to be committed together, and how that went."""

    def __init__(self) -> None:
        self.items: list[_T] = []
        self.done = threading.Event()
        self.failures: Mapping[int, Exception] = {}
        self.error: BaseException | None = None


class _Gathering(Generic[_T]):
    """The batch that newcomers join."""

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.batch: _Batch[_T] = _Batch()


class GroupCommit(Generic[_T]):
    """Collects what threads want stored, and has the first of them store it for all.

    The first to join a batch leads it: it waits for the commit under way, closes
    the batch and commits it, while the next one gathers behind it; the others
    wait until it is done. No thread of its own, no delay, and a batch is as large
    as the last commit was slow.

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
        # A child that inherited a batch would store its parent's items again.
        self._gathering: PerProcess[_Gathering[_T]] = PerProcess(_Gathering)

    def __call__(self, item: _T) -> None:
        """Return once *item* is stored.

        :raises TimeoutError: where the commit under way took longer than the timeout.
        :raises Exception: what the commit raised.
        """
        gathering = self._gathering.get()
        with gathering.mutex:
            batch = gathering.batch
            place = len(batch.items)
            batch.items.append(item)
        if place == 0:
            self._lead(gathering, batch)
        else:
            batch.done.wait()
        if (error := batch.failures.get(place, batch.error)) is not None:
            if place and not isinstance(error, Exception):  # the leader's exit is not the follower's
                raise RuntimeError("the thread that was storing this ended first") from error
            raise error

    def _lead(self, gathering: _Gathering[_T], batch: _Batch[_T]) -> None:
        try:
            if self._lock.acquire(timeout=self._timeout):
                try:
                    self._close(gathering)
                    batch.failures = self._commit(batch.items)
                finally:
                    self._lock.release()
            else:
                self._close(gathering)
                batch.error = TimeoutError(f"the commit under way took longer than {self._timeout} seconds")
        except BaseException as error:
            # Whatever ends this thread, nobody may join a batch without a leader, or wait for one.
            if gathering.batch is batch:
                self._close(gathering)
            batch.error = error
        finally:
            batch.done.set()

    def _close(self, gathering: _Gathering[_T]) -> None:
        with gathering.mutex:
            gathering.batch = _Batch()
