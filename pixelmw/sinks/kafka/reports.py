"""Delivery reports: one of the threads that wait polls the client library, for all of them.

The library hands a report to whichever thread polls. Two rules follow:

* One thread polls at a time. If two polled, one could get the report of the
  other. The other would not notice, since it would still be in its own poll.
* A thread leaves as soon as it has all of its own reports. If it was the one
  that polls, it hands over to one that still waits.

========== ======================================== ==========
a thread   what happens                             it becomes
========== ======================================== ==========
comes      nobody polls                             polling
comes      another thread polls                     waiting
waiting    its last report comes                    gone
waiting    the thread that polls hands over         polling
waiting    its deadline passes                      gone
polling    its last report or its deadline comes    gone, after it has handed over
========== ======================================== ==========
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")

logger = logging.getLogger("pixelmw.sinks")

_MAX_POLL = 0.1  # seconds; a signal has to wait for the end of a poll, since Python cannot handle it before


class ExpectedReports(Generic[_T]):
    """The reports that one thread waits for.

    The thread that polls adds them. It may do so before their count is known.

    :ivar count: how many there will be, once that is known.
    :ivar reports: each report, by the place of its event.
    """

    def __init__(self) -> None:
        self.count: int | None = None
        self.reports: dict[int, _T] = {}
        self._woken = threading.Event()
        self._is_polling = False

    def add(self, place: int, report: _T) -> None:
        """Add a report, and wake the thread if it was the last one."""
        self.reports[place] = report
        if self.is_complete():
            self._woken.set()

    def is_complete(self) -> bool:
        """Return True if all reports are there."""
        return len(self.reports) == self.count


class ReportDispatcher:
    """Lets threads that share a client wait for their reports, none of them longer than it has to.

    :param poll: waits so many seconds for reports, and calls back for each that is there.
    :ivar waiting: what the threads wait for that do not poll; the first of them polls next.
    """

    def __init__(self, poll: Callable[[float], object]) -> None:
        self._poll = poll
        self._mutex = threading.Lock()
        self._somebody_polls = False
        self.waiting: list[ExpectedReports[Any]] = []

    def wait(self, expected: ExpectedReports[Any], deadline: float) -> None:
        """Return once *expected* is complete, or at *deadline* on the monotonic clock."""
        try:
            self._join(expected)
            while not expected.is_complete() and (remaining := deadline - time.monotonic()) > 0:
                if not expected._is_polling:
                    expected._woken.wait(remaining)
                else:
                    self._poll_once(min(remaining, _MAX_POLL))
        finally:
            self._leave(expected)

    def pause(self, seconds: float) -> None:
        """Wait, while this thread or another polls."""
        self.wait(ExpectedReports(), time.monotonic() + seconds)

    def _poll_once(self, seconds: float) -> None:
        try:
            self._poll(seconds)
        except Exception:
            logger.exception("a callback raised while the client was polled for delivery reports")

    def _join(self, expected: ExpectedReports[Any]) -> None:
        with self._mutex:
            if self._somebody_polls:
                self.waiting.append(expected)
            else:
                self._somebody_polls = expected._is_polling = True

    def _leave(self, expected: ExpectedReports[Any]) -> None:
        with self._mutex:
            if expected._is_polling:
                self._somebody_polls = bool(self.waiting)
                if self.waiting:
                    successor = self.waiting.pop(0)
                    successor._is_polling = True
                    successor._woken.set()
            elif expected in self.waiting:
                self.waiting.remove(expected)
