"""Closes the sink behind a delivery, and waits no longer for that than there is time: it may hang, or be in a call."""

from __future__ import annotations

import logging
from functools import partial

from ..sinks.base import close_sink
from ..sinks.together import Busy
from ..system.threads import Task, background_threads_run
from .watch import run_on_thread

logger = logging.getLogger("pixelmw.delivery")

# Seconds that a ``close`` has in any case: one that has little to do takes a fraction of that.
_PATIENCE = 0.25


def close_within(sink: object, timeout: float | None, *, owner: object) -> None:
    """Close *sink*, and raise what that raises; log it if it takes longer than *timeout* seconds, and go on without.

    :param owner: the delivery that the sink is behind, for the log.
    """
    if not closes_within(sink, timeout):
        seconds = round(timeout or 0.0, 1)
        logger.error("%r: the close of %r has not returned within %s s; it is not waited for", owner, sink, seconds)


def closes_within(sink: object, timeout: float | None) -> bool:
    """Close *sink*, and raise what that raises.

    :param timeout: seconds, or ``None`` for no limit.
    :returns: False if that takes longer, or if the sink is in a call that does not end in time.
    """
    if timeout is None or not callable(getattr(sink, "close", None)) or not background_threads_run():
        return _closes(sink, timeout)
    try:
        task = Task(partial(_closes, sink, timeout), "pixelmw-close", elsewhere=run_on_thread)
    except RuntimeError:
        return _closes(sink, timeout)
    return task.wait(max(timeout, _PATIENCE)) and task.result()


def _closes(sink: object, timeout: float | None) -> bool:
    """Close *sink*; returns False if it is in a call that does not end in time."""
    try:
        close_sink(sink, timeout)
    except Busy:
        return False
    return True
