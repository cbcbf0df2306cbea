"""Dead letters on disk: the events that a spool's sink refuses, kept in the spool's own directory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from ...events import Event
from ...sinks.base import BatchSink
from ...sinks.encoding import encode
from ...system.fork import PerProcess
from ..base import Full
from .directory import SpoolDirectory
from .journal import Journal

logger = logging.getLogger("pixelmw.delivery")


class DeadLetterStore(BatchSink):
    """Keeps events in segments, on stable storage when it returns; ``python -m pixelmw drain --dead`` sends them again.

    An event for which there is no room is lost: logged by its messageId, and counted.

    :param path: the directory, a folder of a spool's, made when it is needed and not there, with mode 0700: somebody
        may delete it who has no use for the dead letters in it.
    :param admit: called with the size of each commit in bytes before it is written; raises :class:`Full` if there is
        no room for it.
    :ivar lost: how many events this object lost.
    """

    lanes = None  # its journal lets threads take turns, and a close that does not wait for the disk

    def __init__(self, path: Path, admit: Callable[[int], object] = lambda size: None) -> None:
        self.directory = SpoolDirectory(path, within_spool=True)
        self.lost = 0
        self._admit = admit
        self._journal: PerProcess[Journal] = PerProcess(self._make_journal, abandon=Journal.abandon)

    def __repr__(self) -> str:
        return f"DeadLetterStore({str(self.directory.path)!r})"

    def _make_journal(self) -> Journal:
        self.directory.prepare()
        return Journal(self.directory, sync=True, admit=self._admit)

    def write(self, events: Sequence[Event]) -> None:
        payloads = [encode(event) for event in events]
        try:
            try:
                self._journal.get().append(payloads)
            except FileNotFoundError:
                self.directory.prepare()
                self._journal.get().append(payloads)
        except Full as full:
            self.lost += len(events)
            for event in events:
                logger.error("the dead letter %r is lost: %s", event.get("messageId"), full)

    def close(self, timeout: float | None = None) -> None:
        if (journal := self._journal.pop()) is not None:
            journal.close(timeout)
