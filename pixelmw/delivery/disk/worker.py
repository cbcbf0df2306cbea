"""The thread that forwards what is in a directory, in the one process of many whose turn it is."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from ...system.fork import ForkSafeLock
from ...system.logs import LogThrottle
from ...system.threads import UWSGI_THREADS_REMEDY, background_threads_run
from .directory import SpoolDirectory
from .drainer import Drainer

logger = logging.getLogger("pixelmw")

# Seconds between looks for what other processes have stored, or have left behind.
_LOOK_EVERY = 1.0
# Seconds that events gather before they are forwarded.
_GATHER = 0.1
# Seconds between looks of those who wait for another process to forward.
_POLL = 0.05


class SpoolWorker:
    """Runs *drainer* on a thread of its own whenever this process holds the drain lock of *directory*.

    :param let_go: called where the directory is out of order, to close the files that are open there.
    """

    def __init__(self, directory: SpoolDirectory, drainer: Drainer, *, let_go: Callable[[], object]) -> None:
        self._directory = directory
        self._drainer = drainer
        self._let_go = let_go
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._drain_lock: int | None = None
        self._no_fork = ForkSafeLock()  # a child that inherited the lock unawares would keep it from everybody
        self._news = False  # events were stored since the thread last looked
        self._hurried = False  # somebody waits in flush()
        self._deadline: float | None = None  # of stop()
        self._log_throttle = LogThrottle()
        self._background_threads_run = background_threads_run()
        if not self._background_threads_run:
            logger.warning("%s, or run python -m pixelmw drain --follow %s", UWSGI_THREADS_REMEDY, directory.path)

    def wake(self) -> None:
        """Tell of events that were stored; starts the thread where there is none."""
        if not self._news:
            with self._condition:
                self._news = self._start()
                self._condition.notify_all()

    def flush(self, timeout: float | None) -> bool:
        """Wait until the segments that are there now are gone, whoever forwards them."""
        deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
        waiting = set(self._directory.segments())
        with self._condition:
            while waiting := waiting.intersection(self._directory.segments()):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._hurried = True
                self._start()
                self._condition.notify_all()
                self._condition.wait(min(left, _POLL))
        return True

    def stop(self, timeout: float | None) -> None:
        """End the thread, after it has forwarded what goes well within *timeout* seconds."""
        with self._condition:
            self._deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._thread is None, timeout)

    def disown(self) -> None:
        """In a child: let go of the lock that its parent holds."""
        if self._drain_lock is not None:
            descriptor, self._drain_lock = self._drain_lock, None
            os.close(descriptor)

    def _start(self) -> bool:
        """Have a thread, where they run at all; ``False`` means that it is to be tried again."""
        if self._background_threads_run and (self._thread is None or not self._thread.is_alive()):
            thread = threading.Thread(target=self._run, name="pixelmw-spool", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system allows no more, or Python is ending; the event is stored all the same
                self._log("no thread to forward from %s could be started; it will be tried again")
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        try:
            while self._deadline is None or time.monotonic() < self._deadline:
                pause = self._step()
                with self._condition:
                    self._condition.notify_all()  # who waits in flush() may look
                    if self._deadline is not None and pause != 0:
                        return
                    self._rest(pause)
        finally:
            self._leave()
            with self._condition:
                self._thread, self._news = None, False
                self._condition.notify_all()

    def _step(self) -> float | None:
        """Forward one batch, if it is this process's turn; returns what :meth:`Drainer.step` does."""
        try:
            return self._drainer.step() if self._is_its_turn() else None
        except Exception:
            self._log("forwarding from %s failed; it will be tried again")
            self._leave()
            self._let_go()  # a file system that gave up cannot be mounted again while somebody has a file open there
            return _LOOK_EVERY

    def _is_its_turn(self) -> bool:
        if self._drain_lock is not None:
            self._directory.check(self._drain_lock)
            return True
        with self._no_fork:
            self._drain_lock = self._directory.drain_lock()
        if self._drain_lock is None:
            return False
        self._drainer.restart()
        self._directory.tidy()
        return True

    def _leave(self) -> None:
        with self._no_fork:
            self.disown()

    def _log(self, message: str) -> None:
        """Tell of the error that is being handled, but not each time."""
        if self._log_throttle.allows(message):
            logger.exception(message, self._directory.path)

    def _rest(self, pause: float | None) -> None:
        """Wait for *pause* seconds, or where there is nothing to do, for news and then for a little more of it."""
        if pause is None or (pause and not self._drainer.forwarder.holds_up_others):
            self._condition.wait_for(lambda: self._news or self._interrupted(), _LOOK_EVERY if pause is None else pause)
            if self._news:
                self._news = False
                self._condition.wait_for(self._interrupted, _GATHER)
        elif pause:
            self._condition.wait_for(self._interrupted, pause)
        self._hurried = False

    def _interrupted(self) -> bool:
        return self._hurried or self._deadline is not None
