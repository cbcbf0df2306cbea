"""Dead letters on disk: the events that a spool's sink refuses, kept in the spool's own directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...events import Event
from ...sinks.base import BatchSink
from ...sinks.encoding import encode
from ...system.fork import PerProcess
from .directory import SpoolDirectory
from .journal import Journal


class DeadLetterStore(BatchSink):
    """Keeps events in segments, on stable storage when it returns; ``python -m pixelmw drain --dead`` sends them again.

    :param path: the directory, made when it is first needed, with mode 0700.
    """

    def __init__(self, path: Path) -> None:
        self.directory = SpoolDirectory(path)
        self._journal: PerProcess[Journal] = PerProcess(self._make_journal, abandon=Journal.abandon)

    def __repr__(self) -> str:
        return f"DeadLetterStore({str(self.directory.path)!r})"

    def _make_journal(self) -> Journal:
        self.directory.prepare()
        return Journal(self.directory, sync=True)

    def write(self, events: Sequence[Event]) -> None:
        self._journal.get().append([encode(event) for event in events])

    def close(self, timeout: float | None = None) -> None:
        if (journal := self._journal.pop()) is not None:
            journal.close()
