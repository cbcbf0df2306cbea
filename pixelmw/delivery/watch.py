"""A thread in each process that looks, once a second, at what may not get on by itself.

From Python 3.12 on, no thread can be started any more when a process ends. So sinks are closed on this one then
(:func:`run_on_thread`): it runs already, and does not end before the process does (:func:`stay`).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ..system.fork import PerProcess
from ..system.logs import LogThrottle
from ..system.one_thread import OneThread
from .forward.call_clock import CallClock

logger = logging.getLogger("pixelmw.delivery")

#: Seconds between two looks.
INTERVAL = 1.0
#: A call of a sink that lasts longer than so many seconds is logged, once a minute until it ends. A destination that
#: is well takes a second, and what has a timeout of its own has ten.
LONG_CALL = 60.0


class Watched(Protocol):
    """What is looked at."""

    def look(self) -> object:
        """Called once an interval, from a thread that others wait for: it must not wait."""


class _Watch:
    """What is watched in one process, and the thread, which ends when there is nothing."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._watched: dict[int, Watched] = {}
        self._stays = False
        self._to_run: deque[Callable[[], object]] = deque()
        self._thread = OneThread(self._run, "pixelmw-watch")

    def add(self, watched: Watched) -> None:
        self._watched[id(watched)] = watched
        self._thread.ensure()

    def remove(self, watched: Watched) -> None:
        with self._lock:
            self._watched.pop(id(watched), None)
            if not self._watched:
                self._condition.notify_all()

    def stay(self) -> None:
        with self._lock:
            self._stays = True

    def run(self, call: Callable[[], object]) -> bool:
        with self._lock:
            if not self._stays or not self._thread.is_there() or self._thread.is_own():
                return False
            self._to_run.append(call)
            self._condition.notify_all()
            return True

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._watched and not self._stays:
                    self._thread.leave()
                    return
                if not self._to_run:
                    self._condition.wait(INTERVAL)
            while self._to_run:
                self._to_run.popleft()()
            for watched in list(self._watched.values()):
                try:
                    watched.look()
                except Exception:
                    logger.exception("a look at %r failed", watched)


_watch: PerProcess[_Watch] = PerProcess(_Watch)


def watch(watched: Watched) -> None:
    """Look at *watched* once an interval from now on, until :func:`unwatch`."""
    _watch.get().add(watched)


def unwatch(watched: Watched) -> None:
    """Look at *watched* no more."""
    if (existing := _watch.existing()) is not None:
        existing.remove(watched)


def stay() -> None:
    """Have the thread stay from now on, if there is one: this process ends, and none can be started any more."""
    if (existing := _watch.existing()) is not None:
        existing.stay()


def run_on_thread(call: Callable[[], object]) -> bool:
    """Have the thread make *call*, which must not raise; returns False unless it is there and stays.

    It looks at nothing while it does. It makes no call of which it would have to wait for the end itself.
    """
    existing = _watch.existing()
    return existing is not None and existing.run(call)


class LongCalls:
    """Logs the calls that do not return.

    :param owner: whose calls they are, for the log.
    """

    def __init__(self, owner: object, calls: CallClock) -> None:
        self._owner = owner
        self._calls = calls
        self._log_throttle = LogThrottle()

    def look(self) -> None:
        """Log a call that has lasted longer than ``LONG_CALL``, at most once a minute."""
        if (call := self._calls.current()) is None:
            return
        called, seconds = call
        if seconds > LONG_CALL and self._log_throttle.allows("long call"):
            logger.warning(
                "%r: a call of %r has lasted for %d s; nothing is forwarded until it ends", self._owner, called, seconds
            )
