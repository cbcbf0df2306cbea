"""How much waits in a process or is under way, and the bounds of that."""

from __future__ import annotations

import threading

# What waits is mostly the texts of the query, as they came and as the event. Beside 1,000 events of the default, this
# bounds those that are large.
_MAX_WAITING_CHARS = 16 * 2**20
_PER_CALL = 1024  # characters that a call counts for besides


class Load:
    """The calls of one process that wait or are under way; safe to share between threads.

    :param most_calls: the most of them.
    :ivar calls: how many there are.
    """

    def __init__(self, most_calls: int) -> None:
        self._most_calls = most_calls
        self._lock = threading.Lock()
        self.calls = 0
        self._chars = 0

    def enter(self, chars: int) -> bool:
        """Count one more call, if there is room for it; returns False if there is none.

        :param chars: characters that it keeps in memory.
        """
        with self._lock:
            if self.calls >= self._most_calls or self._chars + chars + _PER_CALL > _MAX_WAITING_CHARS:
                return False
            self.calls += 1
            self._chars += chars + _PER_CALL
            return True

    def leave(self, chars: int) -> None:
        """Take back what :meth:`enter` counted with the same *chars*."""
        with self._lock:
            self.calls -= 1
            self._chars -= chars + _PER_CALL
