"""The simplest group commit that is correct: what storing from many threads costs with nothing around it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class _Batch(Generic[_T]):
    def __init__(self) -> None:
        self.items: list[_T] = []
        self.done = threading.Event()
        self.error: BaseException | None = None


class Gathered(Generic[_T]):
    """Who comes while a batch is stored waits, and one of them stores the next batch for all.

    :param store: stores a list of items, or raises.
    """

    def __init__(self, store: Callable[[list[_T]], object]) -> None:
        self._store = store
        self._mutex, self._turn = threading.Lock(), threading.Lock()
        self._batch: _Batch[_T] = _Batch()

    def __call__(self, item: _T) -> None:
        """Store *item*, and return once it is stored."""
        with self._mutex:
            batch = self._batch
            batch.items.append(item)
            leads = len(batch.items) == 1
        if leads:
            with self._turn:
                with self._mutex:
                    self._batch = _Batch()
                try:
                    self._store(batch.items)
                except BaseException as error:
                    batch.error = error
                finally:
                    batch.done.set()
        else:
            batch.done.wait()
        if batch.error is not None:
            raise RuntimeError("the batch was not stored") from batch.error
