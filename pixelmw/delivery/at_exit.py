"""Closes every delivery when the process ends, all within one deadline."""

from __future__ import annotations

import atexit
import logging
import sys
import time
from typing import Protocol

from ..system.failures import traceback_without_words
from ..system.fork import PerProcess
from ..system.registry import Registry
from .watch import stay

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
    stay()
    for delivery in _open_deliveries:
        try:
            delivery.close(max(0.0, deadline - time.monotonic()))
        except Exception as error:  # the sink of a user's may say what it had left to send
            logger.error("%r was not closed: %s", delivery, traceback_without_words(error))


def close_at_exit_of_child() -> None:
    """Have all deliveries closed when this process ends, if it is a child of ``multiprocessing``.

    A child that it forked calls no exit handlers: it calls what ``Finalize`` was given in it, and ``os._exit``.
    """
    _finalizer.get()


def _make_finalizer() -> object:
    process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if process is None or util is None or process.parent_process() is None:
        return None
    return util.Finalize(None, close_all, exitpriority=0)


_finalizer: PerProcess[object] = PerProcess(_make_finalizer)
