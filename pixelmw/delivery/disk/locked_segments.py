"""The segments that a reader has to come back to, since another process holds their locks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet

from .segments.name import Segment

logger = logging.getLogger("pixelmw.delivery")

# A writer that runs gives the lock back within a quarter of a second and the sync of a commit. Who does not is not
# waited for again.
_PATIENCE = 0.3
# Seconds after which a lock that is still held is logged.
_LOG_AFTER = 30.0


class LockedSegments:
    """Segments whose lock was not to be had, and since when.

    :param clock: a monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[Segment, float] = {}  # on that clock
        self._logged: set[Segment] = set()

    def __len__(self) -> int:
        return len(self._since)

    def patience_for(self, segment: Segment) -> float:
        """Return the seconds to wait for the lock of *segment*: none if that was in vain before."""
        return 0.0 if segment in self._since else _PATIENCE

    def add(self, segment: Segment) -> None:
        """Note that another process holds the lock of *segment*; logs that once if it does so for long."""
        now = self._clock()
        since = self._since.setdefault(segment, now)
        if now - since > _LOG_AFTER and segment not in self._logged:
            self._logged.add(segment)
            logger.warning("%s is locked by a process that does not go on; its events wait for that", segment.name)

    def keep(self, segments: AbstractSet[Segment]) -> None:
        """Forget those that are not among *segments*, which are all that there are: somebody deleted them."""
        for segment in self._since.keys() - segments:
            self.discard(segment)

    def discard(self, segment: Segment) -> None:
        """Note that the lock of *segment* was free, or that the segment is gone."""
        self._since.pop(segment, None)
        self._logged.discard(segment)

    def forget(self) -> None:
        """Forget all, since another process may have gone on with them meanwhile."""
        self._since.clear()
