"""Accepted means on disk: a durable queue in front of any sink."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Literal, Self

from ..events import Sink
from ..system.files import require_file_locks
from ..system.fork import PerProcess
from .base import Delivery, WhenFull
from .disk.backlog import Backlog
from .disk.dead_letter_store import DeadLetterStore
from .disk.destination import name_of, other_destination
from .disk.directory import DEAD, SpoolDirectory
from .disk.drainer import Drainer
from .disk.journal import Journal
from .disk.quarantine import Quarantine
from .disk.quota import Quota
from .disk.throttle import ReadThrottle
from .disk.worker import SpoolWorker
from .retry import Retry
from .stats import SpoolStats

logger = logging.getLogger("pixelmw.delivery")

#: When a Spool syncs what it writes: before it returns, or never.
Sync = Literal["always", "never"]


class Spool(Delivery):
    """Stores events on disk, and forwards them to *sink* in the background, at least once each.

    ::

        PixelMiddleware(app, Spool("/var/spool/pixelmw", Kafka("pixels", bootstrap_servers="...")))

    It returns once an event is on stable storage. So neither a sink that is
    down nor ``kill -9`` nor a power cut loses it. Each event has a messageId
    by then, so a destination that gets it twice can recognise it. Any number of processes may
    share a directory on a local file system. One of them forwards for all, oldest
    first, including what a dead process left behind. Events of one
    process keep their order. Events that :meth:`close` cannot forward in time stay on
    disk, for the next process or for ``drain``; it does not wait for a sink that is down.

    Forwarding begins with the first event of a process, or with
    :meth:`flush`. If the server runs no background threads, and to empty a
    directory from outside, there is ``python -m pixelmw drain DIRECTORY``.

    :param directory: made if it is missing, with mode 0700; its parent is not made.
    :param sink: any sink; one with ``write`` gets batches. It is called by one thread at a time.
    :param sync: "always", or "never": then a power cut loses what the system had not written yet, some 30 seconds'
        worth; a crash of a process still loses nothing.
    :param max_bytes: what may wait in the directory, all processes together.
    :param max_dead_bytes: what dead letters and damaged records may take besides; by default a tenth of *max_bytes*. An
        event that would pass it is logged by its messageId, counted as lost, and gone.
    :param when_full: "refuse" raises :class:`Full`, so that the request is answered 503;
        "drop" loses the event, counts it, and logs that once a minute.
    :param retry: when to try again; for ever, unless it says otherwise.
    :param dead_letter: a sink for events that *sink* will not take; without one,
        they are kept in the folder ``dead`` of the directory.
    :param name: what the directory remembers as the destination of its events; by default the sink's qualified name and
        its topic, table, stream, path or host. If events of another one wait there, that is logged.
    :raises TypeError: for an argument of the wrong kind.
    :raises ValueError: for one of the right kind that cannot work.
    :raises RuntimeError: on a system that cannot lock files.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        sink: Sink,
        *,
        sync: Sync = "always",
        max_bytes: int = 2**30,
        max_dead_bytes: int | None = None,
        when_full: WhenFull = "refuse",
        retry: Retry = Retry(),  # noqa: B008 - it is immutable
        dead_letter: Sink | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(sink, retry=retry, when_full=when_full, dead_letter=dead_letter)
        if sync not in ("always", "never"):
            raise ValueError(f'sync is {sync!r}: give "always" or "never"')
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes!r}: give at least 1")
        if max_dead_bytes is not None and max_dead_bytes < 0:
            raise ValueError(f"max_dead_bytes is {max_dead_bytes!r}: give at least 0")
        if name is not None and not (isinstance(name, str) and name and name.isprintable()):
            raise ValueError(f"name is {name!r}: give a text that can be read")
        require_file_locks("Spool")
        self.directory = Path(directory).absolute()
        self.sync = sync
        self.max_bytes = max_bytes
        self.max_dead_bytes = max_bytes // 10 if max_dead_bytes is None else max_dead_bytes
        self.name = name_of(sink) if name is None else name
        self._in_process: PerProcess[_SpoolInProcess] = PerProcess(
            lambda: _SpoolInProcess(self), abandon=_SpoolInProcess.abandon
        )

    def __repr__(self) -> str:
        return f"Spool({str(self.directory)!r}, {self.sink!r})"

    def _store(self, payloads: list[bytes]) -> None:
        in_process = self._in_process.get()
        in_process.journal.append(payloads)
        in_process.worker.wake()

    def __enter__(self) -> Self:
        self._in_process.get().worker.wake()
        return self

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything that is in the directory now has been forwarded, whichever process forwards it.

        :param timeout: seconds to wait at most, or ``None`` to wait for ever.
        :returns: True if it has been forwarded.
        """
        return self._in_process.get().worker.flush(timeout)

    def _close_worker(self, timeout: float | None) -> bool:
        in_process = self._in_process.pop()
        if in_process is not None:
            in_process.close(timeout)
        return in_process is not None

    def stats(self) -> SpoolStats:
        """Return figures about the directory and about this process; :class:`SpoolStats` says what each means.

        :raises OSError: if the directory cannot be read.
        """
        return {**self._in_process.get().stats(dropped=self.dropped), **self._repeated}


class _SpoolInProcess:
    """The part of a spool that one process has: its segments, and its thread."""

    def __init__(self, spool: Spool) -> None:
        self._directory = SpoolDirectory(spool.directory)
        self._directory.prepare()
        if (other := other_destination(self._directory, spool.name)) is not None:
            logger.warning("%s holds events for %s, and they go to %s now", spool.directory, other, spool.name)
        full = f"{spool.directory} is full (max_bytes={spool.max_bytes})"
        quota = Quota(spool.max_bytes, self._directory.bytes_waiting, full=full)
        full = f"there is no room for more in {spool.directory} (max_dead_bytes={spool.max_dead_bytes})"
        dead_quota = Quota(spool.max_dead_bytes, self._directory.bytes_dead, full=full)
        self.journal = Journal(self._directory, sync=spool.sync == "always", admit=quota.admit)
        self._dead_letters = DeadLetterStore(spool.directory / DEAD, dead_quota.admit)
        self._drainer = Drainer(
            self._directory,
            spool.sink,
            retry=spool.retry,
            dead_letter=spool.dead_letter or self._dead_letters,
            quarantine=Quarantine(self._directory, dead_quota.admit),
            pause_if_busy=ReadThrottle(self.journal).pause_if_busy,
        )
        self.worker = SpoolWorker(self._directory, self._drainer, close_files=self._close_files)
        self._backlog = Backlog(self._directory)
        self._dead_backlog = Backlog(self._dead_letters.directory)
        self._backlog_lock = threading.Lock()

    def close(self, timeout: float | None) -> None:
        """Forward what can be forwarded within *timeout* seconds, end the thread, and close the files."""
        self.worker.close(timeout)
        self._drainer.in_flight.end_in_order()
        self._close_files()

    def abandon(self) -> None:
        """In a child: close the descriptors of its parent, which goes on with what they are open for."""
        self.worker.abandon()
        self.journal.abandon()
        self._drainer.in_flight.abandon()

    def _close_files(self) -> None:
        self.journal.close()
        self._dead_letters.close()
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
