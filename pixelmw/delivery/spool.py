"""Accepted means on disk: a durable queue in front of any sink."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from ..events import Sink
from ..system.files import require_file_locks
from ..system.fork import PerProcess
from .base import Delivery
from .disk.backlog import Backlog
from .disk.dead_letters import DeadLetters
from .disk.directory import SpoolDirectory
from .disk.drainer import Drainer
from .disk.journal import Journal
from .disk.quota import Quota
from .disk.throttle import ReadThrottle
from .disk.worker import SpoolWorker
from .retry import Retry


class Spool(Delivery):
    """Stores events on disk, and forwards them to *sink* in the background, at least once each.

    ::

        PixelMiddleware(app, Spool("/var/spool/pixelmw", Kafka("pixels", bootstrap_servers="...")))

    It returns once an event is on stable storage, so that neither a sink that is
    down nor ``kill -9`` nor a power cut loses it. Each event has its
    messageId by then: whoever gets it twice can tell. Any number of processes may
    share a directory on a local file system; one of them forwards for all, oldest
    first, and what a dead process left behind like anything else. Events of one
    process keep their order. What :meth:`close` cannot forward in time stays on
    disk, for the next process or for ``drain``; it does not wait for a sink that is down.

    Forwarding begins with the first event of a process, or with
    :meth:`flush`. Where the server runs no background threads, and to empty a
    directory from outside, there is ``python -m pixelmw drain DIRECTORY``.

    :param directory: made where it is missing, with mode 0700; its parent is not made.
    :param sink: any sink; one with ``write`` gets batches. It is called by one thread at a time.
    :param sync: "always", or "never": then a power cut, but no crash of a
        process, loses what the system had not written yet, some 30 seconds' worth.
    :param max_bytes: what the directory may hold, all processes, dead letters and quarantine together.
    :param when_full: "refuse" raises, so that the request is answered 503;
        "drop" loses the event, counts it, and logs so once a minute.
    :param retry: when to try again; for ever, unless it says otherwise.
    :param dead_letter: a sink for events that *sink* will not take; without one,
        they are kept in the folder ``dead`` of the directory.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        sink: Sink,
        *,
        sync: str = "always",
        max_bytes: int = 2**30,
        when_full: str = "refuse",
        retry: Retry = Retry(),  # noqa: B008 - it is immutable
        dead_letter: Sink | None = None,
    ) -> None:
        super().__init__(sink, retry=retry, when_full=when_full, dead_letter=dead_letter)
        if sync not in ("always", "never"):
            raise ValueError(f'sync is {sync!r}: give "always" or "never"')
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes!r}: give at least 1")
        require_file_locks("Spool")
        self.directory = Path(directory).absolute()
        self.sync = sync
        self.max_bytes = max_bytes
        self._process: PerProcess[_Process] = PerProcess(lambda: _Process(self), abandon=_Process.disown)

    def __repr__(self) -> str:
        return f"Spool({str(self.directory)!r}, {self.sink!r})"

    def _put(self, payloads: list[bytes]) -> None:
        process = self._process.get()
        process.journal.append(payloads)
        process.runner.wake()

    def __enter__(self) -> Spool:
        self._process.get().runner.wake()
        return self

    def flush(self, timeout: float | None = None) -> bool:
        """Wait at most *timeout* seconds until all that is in the directory now has been forwarded; tells whether."""
        return self._process.get().runner.flush(timeout)

    def _end(self, timeout: float | None) -> bool:
        process = self._process.pop()
        if process is not None:
            process.close(timeout)
        return process is not None

    def stats(self) -> dict[str, float]:
        """Figures about the directory, and about this process.

        In the directory: ``queued`` events wait, the oldest for ``oldest`` seconds, and ``bytes`` are used. By this
        process, since its start: events ``stored``, ``forwarded``, ``dropped`` because it was full, made ``dead``
        letters, or found ``damaged``; tries ``retried``.
        """
        return {**self._process.get().stats(), "dropped": self.dropped}


class _Process:
    """What one process has of a spool: its segments, and its thread."""

    def __init__(self, spool: Spool) -> None:
        directory = SpoolDirectory(spool.directory)
        directory.prepare()
        budget = Quota(directory, spool.max_bytes)
        self.journal = Journal(directory, sync=spool.sync == "always", admit=budget.admit)
        self._dead = DeadLetters(spool.directory / "dead")
        self._drainer = Drainer(
            directory,
            spool.sink,
            retry=spool.retry,
            dead_letter=spool.dead_letter or self._dead,
            pause_if_busy=ReadThrottle(self.journal).pause_if_busy,
        )
        self.runner = SpoolWorker(directory, self._drainer, close_files=self._let_go)
        self._directory = directory
        self._backlog = Backlog(directory)
        self._lock = threading.Lock()

    def close(self, timeout: float | None) -> None:
        self.runner.close(timeout)
        self._let_go()

    def disown(self) -> None:
        """In a child: let go of what its parent has open."""
        self.runner.abandon()
        self.journal.abandon()

    def _let_go(self) -> None:
        self.journal.close()
        self._dead.close()

    def stats(self) -> dict[str, float]:
        with self._lock:  # the backlog remembers what it has read
            queued, oldest = self._backlog.count()
        counts = self._drainer.forwarder.counts
        return {
            "queued": queued,
            "oldest": oldest,
            "bytes": self._directory.bytes_used(),
            "stored": self.journal.stored,
            "damaged": self._drainer.damaged_records,
            **counts,
        }
