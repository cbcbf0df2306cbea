"""Limits how often a message is logged that could be logged at every request."""

from __future__ import annotations

import time

from .fork import ForkSafeLock

_INTERVAL = 60.0  # seconds; often enough to see in a log that a fault lasts, and too seldom to fill a disk


class LogThrottle:
    """Lets each message be logged once a minute; safe to share between threads, and across fork."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._last_logged: dict[str, float] = {}

    def allows(self, message: str) -> bool:
        """Return True if *message* may be logged now; it then counts as logged.

        :param message: what identifies the message; each one has its own minute.
        """
        now = time.monotonic()
        with self._lock:
            if now - self._last_logged.get(message, float("-inf")) <= _INTERVAL:
                return False
            self._last_logged[message] = now
            return True
