"""Remembers which destination a directory's events are for, and notices another one.

Two applications that share a directory by mistake send all events of both to the sink of whichever of them forwards.
So a directory that holds events keeps the name of their destination. It is a word of warning, and no lock.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from urllib.parse import urlsplit

from ...events import Sink
from .directory import DESTINATION, SpoolDirectory

logger = logging.getLogger("pixelmw.delivery")

# What tells two sinks of a class apart, if they have it. No more of a URL than its host: there may be a password in it.
_TELLING = ("topic", "table", "stream", "path")
_URL = "data_plane_url"
# Seconds between two looks of a process that forwards: a look opens two files.
_LOOK_INTERVAL = 1.0
# What is kept of a name.
_MAX_CHARS = 1000


def name_of(sink: Sink) -> str:
    """Return a name for *sink* that stays the same while it stores to the same place, without secrets.

    It is the sink's qualified name, and its topic, table, stream, path or host, if it has one. A sink that is made of
    several has the names of all. Of the package's own sinks it is the name of the class: their modules may move.
    """
    kind = sink if hasattr(sink, "__qualname__") else type(sink)
    module, name = getattr(kind, "__module__", None) or "builtins", getattr(kind, "__qualname__", "")
    name = name.lstrip("_") if module.startswith("pixelmw.") else f"{module}.{name}"
    values = [getattr(sink, attribute, None) for attribute in _TELLING]
    told = [str(value) for value in values if isinstance(value, str | os.PathLike)]
    if isinstance(url := getattr(sink, _URL, None), str):
        told.append(urlsplit(url).hostname or "")
    members = getattr(sink, "sinks", None)
    told += [name_of(member) for member in members] if isinstance(members, list | tuple) else []
    whole = f"{name}({', '.join(told)})" if told else name
    return whole.encode(errors="backslashreplace").decode()[:_MAX_CHARS]  # a path need not be text


class Destination:
    """The destination *name* of the events in *directory*, as one Spool sees it.

    That events of another one wait is logged once for each other name, by the object and its copies in children: when
    it is made, when its process begins to use the directory, and while it forwards.

    :param waiting_in: the directory of the events, if that is another one: the folder of the dead letters.
    """

    def __init__(self, directory: SpoolDirectory, name: str, *, waiting_in: SpoolDirectory | None = None) -> None:
        self._directory = directory
        self._waiting_in = waiting_in or directory
        self._name = name[:_MAX_CHARS]
        self._told_of: set[str] = set()
        self._look_due = 0.0  # on the monotonic clock

    def look(self) -> None:
        """Say so if events of another destination wait; looks at most once a second, and makes nothing."""
        if (now := time.monotonic()) < self._look_due:
            return
        self._look_due = now + _LOOK_INTERVAL
        with suppress(OSError):  # there is no directory yet, or it is not to be used; the first event tells
            with self._directory.open() as opened:
                descriptor = opened.open(DESTINATION, os.O_RDONLY)
            try:
                self._tell_of_another(_read(descriptor))
            finally:
                os.close(descriptor)

    def note(self) -> None:
        """Note that the directory is for this destination from now on, if no events wait there."""
        with suppress(OSError):  # no event is refused for want of a word of warning
            descriptor = self._directory.open_file(DESTINATION)
            try:
                noted = _read(descriptor)
                if noted != self._name and not self._tell_of_another(noted):
                    os.ftruncate(descriptor, 0)
                    os.pwrite(descriptor, self._name.encode(), 0)
            finally:
                os.close(descriptor)

    def take_over(self) -> None:
        """Do the same if events of another one waited before, and do no longer."""
        if self._told_of:
            self.note()

    def _tell_of_another(self, noted: str) -> bool:
        """Say so if events of the destination *noted* wait, and that is another one; returns True if they do."""
        if noted in ("", self._name) or not self._waiting_in.segments():
            return False
        if noted not in self._told_of:
            self._told_of.add(noted)
            logger.warning("%s holds events for %s, and they go to %s now", self._directory.path, noted, self._name)
        return True


def _read(descriptor: int) -> str:
    return os.pread(descriptor, 4 * _MAX_CHARS, 0).decode(errors="replace")
