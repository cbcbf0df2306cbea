"""The part of a Spool that one process has: its segments, and its thread."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from ..sinks.base import Unavailable
from ..system.groupcommit import NotBegun, Unknown
from ..system.logs import LogThrottle
from ..system.threads import UWSGI_THREADS_REMEDY, background_threads_run
from .disk.backlog import Backlog
from .disk.dead_letter_store import DeadLetterStore
from .disk.destination import Destination
from .disk.directory import DEAD, SpoolDirectory
from .disk.disk_reserve import DiskReserve
from .disk.drainer import Drainer
from .disk.journal import Journal
from .disk.quarantine import Quarantine
from .disk.quota import Quota, dead_quota
from .disk.throttle import ReadThrottle
from .disk.turns import GATHER, Turns
from .stats import SpoolStats
from .worker import Worker

if TYPE_CHECKING:
    from .spool import Spool

logger = logging.getLogger("pixelmw.delivery")

# Seconds that the thread waits, after a fault, for a commit under way before it goes on without closing the file.
_PATIENCE_AFTER_FAULT = 1.0
# Seconds between looks of a flush() whose events another process may forward.
_FLUSH_POLL = 0.05


class SpoolInProcess:
    """The part of a spool that one process has: its segments, and its thread."""

    def __init__(self, spool: Spool, destination: Destination) -> None:
        self._directory = SpoolDirectory(spool.directory)
        self._directory.prepare()
        destination.note()
        full = f"{spool.directory} is full (max_bytes={spool.max_bytes})"
        quota = Quota(spool.max_bytes, self._directory.bytes_waiting, full=full)
        admit_dead = dead_quota(self._directory, spool.max_dead_bytes).admit
        reserve = DiskReserve(spool.directory)

        def admit(size: int) -> None:
            reserve.admit(size)
            quota.admit(size)

        self.journal = Journal(self._directory, sync=spool.sync == "always", admit=admit)
        self._dead_letters = DeadLetterStore(spool.directory / DEAD, admit_dead)
        self._drainer = Drainer(
            self._directory,
            spool.sink,
            retry=spool.retry,
            dead_letter=spool.dead_letter or self._dead_letters,
            last_resort=self._dead_letters,
            max_batch=spool.max_batch,
            quarantine=Quarantine(self._directory, admit_dead),
            pause_if_busy=ReadThrottle(self.journal).pause_if_busy,
        )
        self._turns = Turns(self._directory, self._drainer, destination=destination, close_files=self._close_files)
        self._worker = Worker(
            self._turns, owner=spool, calls=self._drainer.calls, name="pixelmw-spool", gather=GATHER,
            pause_when_closing=None,
        )  # fmt: skip
        self._threads_run = background_threads_run()
        if not self._threads_run:
            logger.warning("%s, or run python -m pixelmw drain --follow %s", UWSGI_THREADS_REMEDY, spool.directory)
        self._backlog = Backlog(self._directory)
        self._dead_backlog = Backlog(self._dead_letters.directory)
        self._backlog_lock = threading.Lock()
        self._log_throttle = LogThrottle()
        self._is_over = False  # it has been closed

    def wake(self, *, now: bool = False) -> bool:
        """Have the thread forward what was stored, which is safe whether it can be started or not.

        :returns: False if this was closed meanwhile, so that the part that comes after it is to be woken.
        """
        if self._turns.is_closed:
            self.journal.close(0.0)  # the event may have opened another segment
            return False
        if self._threads_run:
            self._worker.wake(now=now)
        return True

    def disk_hangs(self, error: NotBegun | Unknown) -> Unavailable:
        """Return what a visitor is told who has waited for the disk behind others, and log it if nobody waits now."""
        if isinstance(error, NotBegun) and error.is_stuck and self._log_throttle.allows("stuck"):
            logger.error(
                "the disk of %s %s without an end; until it ends, no event is taken", self._directory.path, error
            )
        return Unavailable(f"the disk of {self._directory.path}: {error}")

    def flush(self, timeout: float | None) -> bool:
        """Wait until the segments that are there now are gone, whichever process forwards them.

        :param timeout: seconds, or ``None`` to wait until they are gone or this has been closed.
        :returns: True if they are gone.
        """
        deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
        waiting = set(self._directory.segments())
        if waiting:
            self.wake(now=True)
        while waiting := waiting.intersection(self._directory.segments()):
            if (remaining := deadline - time.monotonic()) <= 0 or self._is_over:
                return False
            time.sleep(min(remaining, _FLUSH_POLL))
        return True

    def close(self, timeout: float | None) -> None:
        """Forward what can be forwarded within *timeout* seconds, end the thread, and close the files."""
        deadline = time.monotonic() + (threading.TIMEOUT_MAX if timeout is None else timeout)
        self._turns.is_closed = True
        try:
            self._worker.close(timeout, for_good=True)
            self._drainer.give_up()
            self._close_files(None if timeout is None else max(0.0, deadline - time.monotonic()))
        finally:
            self._is_over = True

    def abandon(self) -> None:
        """In a child: close the descriptors of its parent, which goes on with what they are open for."""
        self._turns.abandon()
        self.journal.abandon()
        self._drainer.in_flight.abandon()

    def _close_files(self, timeout: float | None = _PATIENCE_AFTER_FAULT) -> None:
        self.journal.close(timeout)
        self._dead_letters.close(timeout)
        self._drainer.in_flight.close()

    def stats(self, *, dropped: int) -> SpoolStats:
        """Return the figures.

        :param dropped: the figure that is not known here.
        """
        with self._backlog_lock:
            queued, oldest = self._backlog.count()
            dead_letters, _ = self._dead_backlog.count()
        counts = self._drainer.forwarder.counts
        return {
            "queued": queued,
            "oldest": oldest,
            "bytes": self._directory.bytes_waiting(),
            "dead_letters": dead_letters,
            "dead_bytes": self._directory.bytes_dead(),
            "stored": self.journal.stored,
            "forwarded": counts["forwarded"],
            "retried": counts["retried"],
            "dropped": dropped,
            "dead": counts["dead"] - self._dead_letters.lost,
            "lost": self._dead_letters.lost,
            "damaged": self._drainer.damaged_records,
        }
