"""A lock that is of gevent's kind as soon as gevent has patched threads, whenever it was made."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Lock:
    """A lock that may be made before gevent patches threads: from then on it is of gevent's kind.

    A lock of the system's would stop all greenlets as soon as one wants it while another has it.
    """

    def __init__(self) -> None:
        self._kind: object = threading.Lock
        self._lock = threading.Lock()

    def acquire(self, timeout: float = -1) -> bool:
        """Acquire the lock, waiting at most *timeout* seconds, or for ever if that is -1; True if it was acquired."""
        self._follow_gevent()
        return self._lock.acquire(timeout=timeout)

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    # ``with`` calls the methods of the lock itself, which are written in C. In methods of ours, an exception that comes
    # from outside could arrive after the lock is taken and before the block begins. Then the lock would stay held.
    @property
    def __enter__(self) -> Callable[[], bool]:
        self._follow_gevent()
        return self._lock.__enter__

    @property
    def __exit__(self) -> Callable[..., None]:
        self._follow_gevent()  # here too: which one is looked up first depends on the version of Python
        return self._lock.__exit__

    def _follow_gevent(self) -> None:
        if self._kind is not threading.Lock:  # which it replaces, most often in a new worker that has done nothing yet
            self._lock, self._kind = threading.Lock(), threading.Lock
