"""Tells the directory of a spool from any other, before ``drain`` leaves something there.

A directory is one of a spool in each of these cases:

1. it has segments;
2. the file ``drain.lock`` in it says which process forwards, as a spool writes it;
3. all that is in it has a name that a spool gives, and one of these is there: the file ``drain.lock``, ``in-flight`` or
   ``destination``, or a folder for dead letters or damaged records with something in it that is named like a segment.

So a mail folder with a ``quarantine`` is none, and a backup with a folder ``destination`` is none. A spool that is
empty is one, if it ever had an event.
"""

from __future__ import annotations

from contextlib import suppress

from ..delivery.disk.directory import (
    DEAD,
    DESTINATION,
    DRAIN_LOCK,
    IN_FLIGHT,
    QUARANTINE,
    SpoolDirectory,
    is_spool_name,
)
from ..delivery.disk.drain_lock import DrainLock
from ..delivery.disk.open_directory import OpenDirectory
from ..delivery.disk.segments.name import Segment


def check_is_spool(directory: SpoolDirectory) -> None:
    """Check that *directory* is one of a spool, and leave nothing there.

    :raises ValueError: if it is none.
    """
    if not directory.path.is_dir():
        raise ValueError(f"{directory.path} is no directory")
    if not (directory.segments() or DrainLock(directory).names_a_process() or _holds_only_traces(directory)):
        raise ValueError(f"{directory.path} is the directory of no spool: there are no events, and never were")


def _holds_only_traces(directory: SpoolDirectory) -> bool:
    """Case 3."""
    with directory.open() as opened:
        files = {entry.name for entry in opened.files()}
        if not all(map(is_spool_name, opened.names())):
            return False
        return not files.isdisjoint({DRAIN_LOCK, IN_FLIGHT, DESTINATION}) or any(
            _has_segments(opened, name) for name in (DEAD, QUARANTINE)
        )


def _has_segments(directory: OpenDirectory, name: str) -> bool:
    with suppress(OSError), directory.folder(name) as folder:
        return any(Segment.is_named_in(each) for each in folder.names())
    return False
