"""The time by which a call has to end, which another thread may bring forward."""

from __future__ import annotations

import time


class Deadline:
    """A time on the monotonic clock.

    :param seconds: how far away it is; zero or less if it is over.
    """

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def is_over(self) -> bool:
        """Return True if the time has come."""
        return time.monotonic() >= self._at

    def bring_forward(self) -> None:
        """Let it be over now: whoever waited for the call has gone."""
        self._at = 0.0
