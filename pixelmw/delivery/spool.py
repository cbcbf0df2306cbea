"""Accepted means on disk: a durable queue in front of any sink."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

from ..events import Sink
from ..system.files import require_file_locks
from ..system.fork import PerProcess
from ..system.groupcommit import NotBegun, Unknown
from .at_exit import close_at_exit_of_child
from .base import Delivery, WhenFull
from .disk.destination import Destination, name_of
from .disk.directory import SpoolDirectory
from .retry import Retry
from .room_in_batch import MAX_BATCH
from .spool_in_process import SpoolInProcess
from .stats import SpoolStats

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

    Forwarding begins with :meth:`start`, which the middleware calls at the first
    request of any path in a process, or with the first event or :meth:`flush`. If
    the server runs no background threads, and to empty a directory from outside,
    there is ``python -m pixelmw drain DIRECTORY``.

    :param directory: made if it is missing, with mode 0700; its parent is not made.
    :param sink: any sink; one with ``write`` gets batches. It is called by one thread at a time.
    :param sync: "always", or "never": then a power cut loses what the system had not written yet, some 30 seconds'
        worth; a crash of a process still loses nothing.
    :param max_batch: events that are handed over at once; fewer if their texts are more than 1 MiB together.
    :param max_bytes: what may wait in the directory, all processes together.
    :param max_dead_bytes: what dead letters and damaged records may take besides; by default a tenth of *max_bytes*. An
        event that would pass it is logged by its messageId, counted as lost, and gone.
    :param when_full: "refuse" raises :class:`Full`, so that the request is answered 503;
        "drop" loses the event, counts it, and logs that once a minute.
    :param retry: when to try again; for ever, unless it says otherwise.
    :param dead_letter: a sink for events that *sink* will not take; without one,
        they are kept in the folder ``dead`` of the directory.
    :param name: what the directory remembers as the destination of its events; by default the sink's qualified name and
        its topic, table, stream, path or host. If events of another one wait there, that is logged: when the Spool is
        made, or when they are found later.
    :raises TypeError: for an argument of the wrong kind.
    :raises ValueError: for one of the right kind that cannot work.
    :raises RuntimeError: on a system that cannot lock files.
    :ivar timeout: seconds for which an event waits for the disk behind others; after that it is ``Unavailable``.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        sink: Sink,
        *,
        sync: Sync = "always",
        max_batch: int = MAX_BATCH,
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
        if max_batch < 1:
            raise ValueError(f"max_batch is {max_batch!r}: give at least 1")
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes!r}: give at least 1")
        if max_dead_bytes is not None and max_dead_bytes < 0:
            raise ValueError(f"max_dead_bytes is {max_dead_bytes!r}: give at least 0")
        if name is not None and not (isinstance(name, str) and name and name.isprintable()):
            raise ValueError(f"name is {name!r}: give a text that can be read")
        require_file_locks("Spool")
        self.directory = Path(directory).absolute()
        self.sync = sync
        self.max_batch = max_batch
        self.max_bytes = max_bytes
        self.max_dead_bytes = max_bytes // 10 if max_dead_bytes is None else max_dead_bytes
        self.name = name_of(sink) if name is None else name
        self._destination = Destination(SpoolDirectory(self.directory), self.name)
        self._destination.look()
        self._in_process: PerProcess[SpoolInProcess] = PerProcess(
            self._begin_in_process, abandon=SpoolInProcess.abandon
        )

    def _begin_in_process(self) -> SpoolInProcess:
        close_at_exit_of_child()
        return SpoolInProcess(self, self._destination)

    def __repr__(self) -> str:
        return f"Spool({str(self.directory)!r}, {self.sink!r})"

    def _store(self, payloads: list[bytes]) -> None:
        in_process = self._in_process.get()
        try:
            in_process.journal.append(payloads, patience=self.timeout)
        except (NotBegun, Unknown) as error:
            raise in_process.disk_hangs(error) from None
        if not in_process.wake():
            self._wake()

    def _wake(self) -> None:
        """Begin to forward; another thread may close this at any time."""
        while not self._in_process.get().wake():
            pass

    def start(self) -> None:
        """Forward what the directory holds, such as what a dead process left, without waiting for an event.

        :raises OSError: if the directory cannot be used.
        """
        self._wake()
        super().start()

    def __enter__(self) -> Self:
        self._wake()
        return self

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything that is in the directory now has been forwarded, whichever process forwards it.

        :param timeout: seconds to wait at most, or ``None`` to wait for ever.
        :returns: True if it has been forwarded; False if not, since the time is over or another thread has closed this.
        """
        return self._in_process.get().flush(timeout)

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
