"""Says when something may be logged once more, where it happens all the time."""

from __future__ import annotations

import threading
import time

_EVERY = 60.0  # seconds


class LogThrottle:
    """Lets each thing be told once a minute; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, float] = {}

    def allows(self, what: str) -> bool:
        """Whether *what* has not been told within the last minute; if so, it counts as told now."""
        now = time.monotonic()
        with self._lock:
            if now - self._told.get(what, float("-inf")) <= _EVERY:
                return False
            self._told[what] = now
            return True
