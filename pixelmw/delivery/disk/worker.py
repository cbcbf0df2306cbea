"""The thread that forwards what is in a directory while this process has the turn.

Rules:

1. A process has the turn while it holds the directory's drain lock. It keeps the lock also if there is nothing to
   forward, and gives it back when the thread ends or a step fails.
2. Before each step the holder checks that the lock's file is still the one in the directory.
3. ``_lock`` guards the thread's life and its flags. It is not held during a step, which may last as long as a
   call of the sink.
4. ``_fork_lock`` is held while the drain lock is taken or given back. A child that inherited its descriptor without
   knowing would keep the lock from all other processes.

============= ========================================= ================================================================
state         event                                     next
============= ========================================= ================================================================
no thread     ``wake``, ``flush``                       waiting: a thread starts
waiting       another process holds the drain lock      waiting: looks again after ``_SCAN_INTERVAL``
waiting       the drain lock is free                    forwarding: takes it, forgets what it read at an earlier turn
forwarding    a step went well (pause 0)                forwarding: the next step at once
forwarding    the sink is down (pause in seconds)       forwarding: the next step after the pause, or at ``flush``
forwarding    nothing is left (pause ``None``)          forwarding: waits for ``wake`` or ``_SCAN_INTERVAL``
forwarding    a step or a check of the lock fails       waiting: gives the lock back, closes its files
waiting or    ``close``                                 no thread: forwards what it can without a pause and within the
forwarding                                              timeout, and gives the lock back
any           ``abandon``, in a child                   no thread: closes the descriptor of the lock, which the parent
                                                        still holds
============= ========================================= ================================================================
"""

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

logger = logging.getLogger("pixelmw.delivery")

# Seconds between looks for what other processes have stored, or have left behind when they died.
_SCAN_INTERVAL = 1.0
# Seconds that new events gather before they are forwarded, so that they share a batch.
_GATHER_SECONDS = 0.1
# Seconds between looks of a flush() whose events another process forwards.
_FLUSH_POLL = 0.05


class SpoolWorker:
    """Runs *drainer* on a thread of its own whenever this process holds the drain lock of *directory*.

    :param close_files: called if the directory is out of order, to close the files that are open there.
    """

    def __init__(self, directory: SpoolDirectory, drainer: Drainer, *, close_files: Callable[[], object]) -> None:
        self._directory = directory
        self._drainer = drainer
        self._close_files = close_files
        # "with" the lock itself: the condition's own __enter__ may be interrupted once it has the lock.
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._drain_lock: int | None = None
        self._fork_lock = ForkSafeLock()
        self._has_new_events = False  # some were stored since the thread last looked
        self._flushing = False  # somebody waits in flush()
        self._deadline: float | None = None  # of close()
        self._log_throttle = LogThrottle()
        self._background_threads_run = background_threads_run()
        if not self._background_threads_run:
            logger.warning("%s, or run python -m pixelmw drain --follow %s", UWSGI_THREADS_REMEDY, directory.path)

    def wake(self) -> None:
        """Say that events were stored; starts the thread if there is none."""
        if not self._has_new_events:
            with self._lock:
                self._has_new_events = self._ensure_thread()
                self._condition.notify_all()

    def flush(self, timeout: float | None) -> bool:
        """Wait until the segments that are there now are gone, whichever process forwards them.

        :param timeout: seconds, or ``None`` to wait for ever.
        :returns: True if they are gone.
        """
        deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
        waiting = set(self._directory.segments())
        with self._lock:
            while waiting := waiting.intersection(self._directory.segments()):
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                self._flushing = True
                self._ensure_thread()
                self._condition.notify_all()
                self._condition.wait(min(remaining, _FLUSH_POLL))
        return True

    def close(self, timeout: float | None) -> None:
        """End the thread, after it has forwarded what it can without a pause within *timeout* seconds."""
        with self._lock:
            self._deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._thread is None, timeout)

    def abandon(self) -> None:
        """In a child: close the descriptor of the drain lock, which its parent still holds."""
        self._close_drain_lock()

    def _close_drain_lock(self) -> None:
        if self._drain_lock is not None:
            descriptor, self._drain_lock = self._drain_lock, None
            os.close(descriptor)

    def _ensure_thread(self) -> bool:
        """Start a thread if there is none and threads run at all; returns False if that must be tried again."""
        if self._background_threads_run and (self._thread is None or not self._thread.is_alive()):
            thread = threading.Thread(target=self._run, name="pixelmw-spool", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system allows no more threads, or Python is ending; the event is stored anyway
                self._log_rarely("no thread to forward from %s could be started; it will be tried again")
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        try:
            while self._deadline is None or time.monotonic() < self._deadline:
                pause = self._step()
                with self._lock:
                    self._condition.notify_all()  # flush() looks whether its segments are gone
                    if self._deadline is not None and pause != 0:
                        return
                    self._wait(pause)
        finally:
            self._release_turn()
            with self._lock:
                self._thread, self._has_new_events = None, False
                self._condition.notify_all()

    def _step(self) -> float | None:
        """Forward one batch, if this process has the turn; returns what :meth:`Drainer.step` does."""
        try:
            return self._drainer.step() if self._take_turn() else None
        except Exception:
            self._log_rarely("forwarding from %s failed; it will be tried again")
            self._release_turn()
            self._close_files()  # a broken file system cannot be mounted again while a file is open there
            return _SCAN_INTERVAL

    def _take_turn(self) -> bool:
        """Return True if this process holds the drain lock; takes it if it is free."""
        if self._drain_lock is not None:
            self._directory.check_drain_lock(self._drain_lock)
            return True
        with self._fork_lock:
            self._drain_lock = self._directory.try_drain_lock()
        if self._drain_lock is None:
            return False
        self._drainer.begin_turn()
        self._directory.cursors.remove_stale()
        return True

    def _release_turn(self) -> None:
        with self._fork_lock:
            self._close_drain_lock()

    def _log_rarely(self, message: str) -> None:
        """Log the error that is being handled, at most once a minute."""
        if self._log_throttle.allows(message):
            logger.exception(message, self._directory.path)

    def _wait(self, pause: float | None) -> None:
        """Wait until the next step is due; ``flush`` and ``close`` end the wait.

        If later events have to wait for a retry, the next step is due after *pause* seconds. Otherwise new events end
        the wait early: it then lasts ``_GATHER_SECONDS`` more, so that more events share a batch.
        """
        if pause is None or (pause and not self._drainer.forwarder.holds_up_others):
            timeout = _SCAN_INTERVAL if pause is None else pause
            self._condition.wait_for(lambda: self._has_new_events or self._is_interrupted(), timeout)
            if self._has_new_events:
                self._has_new_events = False
                self._condition.wait_for(self._is_interrupted, _GATHER_SECONDS)
        elif pause:
            self._condition.wait_for(self._is_interrupted, pause)
        self._flushing = False

    def _is_interrupted(self) -> bool:
        return self._flushing or self._deadline is not None
