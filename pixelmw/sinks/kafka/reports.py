"""Delivery reports of a client library that gives them to whoever polls: one thread polls, and serves all."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")

logger = logging.getLogger("pixelmw")

_LONGEST_POLL = 0.1  # seconds for which a signal may have to wait, since a poll does not let Python handle it


class ExpectedReports(Generic[_T]):
    """The reports that one thread waits for.

    Whichever thread polls adds them, maybe before it is known how many there will be.

    :ivar count: how many there will be, once that is known.
    :ivar reports: place to report.
    """

    def __init__(self) -> None:
        self.count: int | None = None
        self.reports: dict[int, _T] = {}
        self._wake = threading.Event()
        self._leads = False

    def add(self, place: int, report: _T) -> None:
        """Take in a report, and wake the thread if it was the last."""
        self.reports[place] = report
        if self.is_complete():
            self._wake.set()

    def is_complete(self) -> bool:
        """Whether all reports are there."""
        return len(self.reports) == self.count


class ReportDispatcher:
    """Lets threads that share a client wait for their reports, none of them longer than it has to.

    A poll may serve another thread's report, and then that thread must not be
    found in a poll of its own. So one thread polls, the others wait until they
    have their reports, and the first to leave hands over to one that stays.

    :param poll: waits so many seconds for reports, and serves what there is.
    """

    def __init__(self, poll: Callable[[float], object]) -> None:
        self._poll = poll
        self._mutex = threading.Lock()
        self._is_led = False
        self._waiting: list[ExpectedReports[Any]] = []

    def wait(self, expected: ExpectedReports[Any], deadline: float) -> None:
        """Return once *expected* is complete, or at *deadline* on the monotonic clock."""
        try:
            self._join(expected)
            while not expected.is_complete() and (left := deadline - time.monotonic()) > 0:
                if not expected._leads:
                    expected._wake.wait(left)
                else:
                    self._lead(min(left, _LONGEST_POLL))
        finally:
            self._leave(expected)

    def pause(self, seconds: float) -> None:
        """Wait, and see to it that somebody polls meanwhile."""
        self.wait(ExpectedReports(), time.monotonic() + seconds)

    def _lead(self, seconds: float) -> None:
        try:
            self._poll(seconds)
        except Exception:
            logger.exception("a callback raised while a client was polled")

    def _join(self, expected: ExpectedReports[Any]) -> None:
        with self._mutex:
            if self._is_led:
                self._waiting.append(expected)
            else:
                self._is_led = expected._leads = True

    def _leave(self, expected: ExpectedReports[Any]) -> None:
        with self._mutex:
            if expected._leads:
                self._is_led = bool(self._waiting)
                if self._waiting:
                    heir = self._waiting.pop(0)
                    heir._leads = True
                    heir._wake.set()
            elif expected in self._waiting:
                self._waiting.remove(expected)
