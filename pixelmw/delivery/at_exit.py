"""Closes every delivery when the process ends, all within one deadline."""

from __future__ import annotations

import atexit
import logging
import time
from typing import Protocol

from ..system.registry import Registry

logger = logging.getLogger("pixelmw.delivery")

#: Seconds by which the exit of a process may be delayed to forward what is waiting, for all deliveries together. It is
#: half of what ``docker stop`` waits before it kills.
EXIT_TIMEOUT = 5.0


class _Closable(Protocol):
    def close(self, timeout: float | None) -> None: ...


_open_deliveries: Registry[_Closable] = Registry()


def close_at_exit(delivery: _Closable) -> None:
    """Have *delivery* closed when the process ends, if it still exists then."""
    _open_deliveries.add(delivery)


@atexit.register
def close_all() -> None:
    """Close all deliveries within ``EXIT_TIMEOUT`` seconds. In a child that took no event there is nothing to do."""
    deadline = time.monotonic() + EXIT_TIMEOUT
    for delivery in _open_deliveries:
        try:
            delivery.close(max(0.0, deadline - time.monotonic()))
        except Exception:
            logger.exception("%r was not closed", delivery)
