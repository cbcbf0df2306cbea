"""A value that threads use at the same time, and that is closed when none of them does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class CloseWhenIdle(Generic[_T]):
    """A context manager that lends *value*, and closes it once that was asked for and the last user is done.

    For what breaks if it is closed while in use: a pool of connections that is
    emptied has those who wait for one wait in vain, until their timeout.

    :param close: closes the value; called again after a user who came late.
    """

    def __init__(self, value: _T, close: Callable[[_T], object]) -> None:
        self.value = value
        self._close = close
        self._lock = threading.Lock()
        self._users = 0
        self._closing = False

    def __enter__(self) -> _T:
        with self._lock:
            self._users += 1
        return self.value

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._users -= 1
            self._close_unused()

    def close(self) -> None:
        """Close the value, now or when its last user is done."""
        with self._lock:
            self._closing = True
            self._close_unused()

    def _close_unused(self) -> None:
        if self._closing and not self._users:
            self._close(self.value)
