"""When to try again."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

#: The longest ``Retry-After``, in seconds, that is honoured. A destination may ask for days by mistake, and is to be
#: found again within a quarter of an hour.
MAX_RETRY_AFTER = 900.0


@dataclass(frozen=True)
class Retry:
    """Exponential backoff with full jitter: each pause is drawn between zero and a ceiling that doubles.

    :param first: ceiling of the first pause, in seconds.
    :param cap: what the ceiling grows to, in seconds.
    :param attempts: how often an event is tried before it becomes a dead letter;
        ``None`` is for ever.
    :raises ValueError: for numbers that cannot work.
    """

    first: float = 0.1
    cap: float = 30.0
    attempts: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.cap < math.inf:
            raise ValueError(f"first is {self.first!r} and cap is {self.cap!r}: give seconds, 0 < first <= cap")
        if self.attempts is not None and self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts!r}: give at least 1, or None for ever")

    def pause(self, failures: int, retry_after: float | None = None) -> float:
        """Return the seconds to wait after so many *failures* in a row.

        :param retry_after: seconds that the destination asked for; the pause is at least as long.
        """
        ceiling = min(self.cap, self.first * 2.0 ** min(failures - 1, 100))
        drawn = random.uniform(0, ceiling)  # noqa: S311 - jitter, no secret
        return max(drawn, min(retry_after or 0.0, MAX_RETRY_AFTER))

    def is_exhausted(self, tries: int) -> bool:
        """Return True if an event that was tried so often is not to be tried again."""
        return self.attempts is not None and tries >= self.attempts
