"""A value that several threads use at the same time, and that is closed once no thread uses it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class CloseWhenIdle(Generic[_T]):
    """A context manager that lends *value* to its users, and delays closing it until it has none.

    Some values must not be closed while they are in use. If a pool of
    connections is emptied, for instance, a thread that waits for one of them
    waits until its timeout.

    :param value: what ``with`` gives to each user.
    :param close: closes the value. It is called again if the value was used
        once more after it was closed.
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
            self._close_if_idle()

    def close(self) -> None:
        """Close the value, now or when its last user has finished."""
        with self._lock:
            self._closing = True
            self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._closing and not self._users:
            self._close(self.value)
