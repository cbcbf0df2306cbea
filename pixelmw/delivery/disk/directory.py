"""The directory of a spool as a whole: whose it is, what is in it, and who forwards from it.

What stands where the directory should be, and what :meth:`SpoolDirectory.prepare` does about it:

======================================================== ============================================================
what stands there                                        what happens
======================================================== ============================================================
nothing                                                  it is made, with mode 0700; a spool's own folder also later;
                                                         what root makes belongs to the owner of the directory around it
a directory of ours with mode 0700                       it is used
the same with another mode, and it holds nothing but     its mode is set to 0700, and that is logged: a platform gives
a spool's names and ``lost+found``                       modes of its own to a volume each time it mounts it
the same, and it holds something else, or is a shared    refused: to close it to others might break what they do there
place for temporary files (sticky)
the same, and we may not look into it, or the file       refused, with the remedy
system does not let its mode be changed
a directory of another user                              refused, unless we are root and its mode is 0700
anything else, also a link to a directory                refused
======================================================== ============================================================

What is in the directory and is no spool's, or cannot be read, is left alone and not counted.
"""

from __future__ import annotations

import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

from .open_directory import OpenDirectory
from .segments.cursors import Cursors
from .segments.name import MAX_SEGMENT_BYTES, Segment

logger = logging.getLogger("pixelmw.delivery")

#: The folders of a spool's directory, for dead letters and for what is left of damaged records.
DEAD, QUARANTINE = "dead", "quarantine"
#: The files whose lock says who forwards, and which says what its sink is being called with.
DRAIN_LOCK, IN_FLIGHT = "drain.lock", "in-flight"
#: The file that says which destination the events are for.
DESTINATION = "destination"
_OTHER_NAMES = {DEAD, QUARANTINE, DRAIN_LOCK, IN_FLIGHT, DESTINATION, "lost+found"}
_REMEDY = "name a folder inside it; it is made"


class SpoolDirectory:
    """A directory of segments, for its owner only.

    What several processes agree on here is described in :mod:`pixelmw.delivery.disk.segments`.

    :param path: made if it is missing, with mode 0700; its parent is not made.
    :param within_spool: whether it is a folder of another spool's directory, and belongs to whom that belongs.
    :ivar cursors: how much of each segment has been forwarded.
    """

    def __init__(self, path: str | os.PathLike[str], *, within_spool: bool = False) -> None:
        self.path = Path(path).absolute()
        self.cursors = Cursors(self.path)
        self._within_spool = within_spool
        self._told_of: set[str] = set()

    def open(self) -> OpenDirectory:
        """Open the directory, to be used in a ``with`` block."""
        return OpenDirectory(self.path)

    def open_file(self, name: str) -> int:
        """Open one of the directory's own files to read and write it, made if it is missing; returns its descriptor."""
        with self.open() as opened:
            return opened.open_or_create(name, os.O_RDWR)

    def prepare(self) -> None:
        """Make the directory if it is missing, and see that it is private.

        :raises OSError: if it cannot be made, or is not a directory.
        :raises PermissionError: if it belongs to another user, or other users may look into it; also if it is ours, and
            has a mode that does not let us use it.
        """
        if self._within_spool:
            with OpenDirectory(self.path.parent) as parent:
                parent.make_folder(self.path.name)
        else:
            self._make()
        owner = self.path.lstat().st_uid
        if owner != os.geteuid() and os.geteuid() != 0:
            remedy = f"give it to the owner of {self.path.parent}" if self._within_spool else _REMEDY
            raise PermissionError(f"{self.path} belongs to another user (number {owner}): {remedy}")
        try:
            opened = self.open()
        except PermissionError as error:
            mode = stat.S_IMODE(self.path.lstat().st_mode)
            if mode & 0o700 == 0o700:
                raise
            raise PermissionError(f"{self.path} has mode {mode:04o}, and cannot be used: give it mode 0700") from error
        with opened:
            mode = stat.S_IMODE(opened.status.st_mode)
            if mode & 0o777 != 0o700:
                self._make_private(opened, mode)

    def _make(self) -> None:
        if not os.path.lexists(self.path):
            with OpenDirectory(self.path.parent.resolve()) as parent:
                parent.make_folder(self.path.name)

    def _make_private(self, opened: OpenDirectory, mode: int) -> None:
        """Set the mode to 0700, if nobody else can need another.

        :raises PermissionError: if somebody may.
        """
        found = f"{self.path} has mode {mode:04o}, and is to hold data about visitors"
        if mode & stat.S_ISVTX or not all(map(is_spool_name, opened.names())):
            raise PermissionError(f"{found} beside other things: {_REMEDY}")
        if opened.status.st_uid != os.geteuid() and not self._within_spool:
            raise PermissionError(f"{found}, and it belongs to another user: give it mode 0700")
        try:
            os.fchmod(opened.descriptor, 0o700)
        except PermissionError as error:
            raise PermissionError(
                f"{found}, and that cannot be changed: mount it with mode 0700, or {_REMEDY}"
            ) from error
        logger.warning("%s had mode %s, and holds data about visitors: it has mode 0700 now", self.path, f"{mode:04o}")

    def segments(self) -> list[Segment]:
        """Return all segments, in the order in which they are to be forwarded; none if there is no directory.

        :raises OSError: if the directory cannot be read. A folder of a spool's is then left alone, and that is logged.
        """
        try:
            return self._segments()
        except FileNotFoundError:
            return []
        except OSError as error:
            if not self._within_spool:
                raise
            self._tell_of(str(self.path), error)
            return []

    def _segments(self) -> list[Segment]:
        found = []
        with self.open() as opened, os.scandir(opened.descriptor) as entries:
            for entry in entries:
                if (segment := Segment.from_name(entry.name)) is None:
                    continue
                if (why_not := _why_no_segment(entry)) is None:
                    found.append(segment)
                else:
                    self._tell_of(entry.name, why_not)
        return sorted(found)

    def _tell_of(self, name: str, why: object) -> None:
        """Log, once for each *name*, that it is left alone."""
        if name not in self._told_of:
            self._told_of.add(name)
            logger.error("%s cannot be read now; it stays where it is: %s", name, why)

    def bytes_waiting(self) -> int:
        """Return the size of all segments and cursors."""
        return self._size_of(self.path)

    def bytes_dead(self) -> int:
        """Return the size of all dead letters, and of what is in quarantine."""
        return self._size_of(self.path / DEAD) + sum(self.quarantined())

    def quarantined(self) -> list[int]:
        """Return the sizes of the files in quarantine; none, and that is logged, if it cannot be looked into."""
        path = self.path / QUARANTINE
        try:
            return _sizes_in(path)
        except FileNotFoundError:
            return []
        except OSError as error:
            self._tell_of(str(path), error)
            return []

    def _size_of(self, folder: Path) -> int:
        """Return the size of a spool's files in *folder*; 0 if it cannot be looked into."""
        with suppress(OSError):
            return sum(_sizes_in(folder))
        return 0


def _sizes_in(folder: Path) -> list[int]:
    sizes = []
    with OpenDirectory(folder) as opened:
        for entry in opened.files():
            if Segment.is_named_in(entry.name):
                with suppress(OSError):  # it was forwarded a moment ago
                    sizes.append(entry.stat(follow_symlinks=False).st_size)
    return [size for size in sizes if size <= MAX_SEGMENT_BYTES]


def _why_no_segment(entry: os.DirEntry[str]) -> str | None:
    """Return why *entry*, which has the name of a segment, is none; ``None`` if it is one."""
    if not entry.is_file(follow_symlinks=False):
        return "it is no file"
    try:
        size = entry.stat(follow_symlinks=False).st_size
    except OSError:  # it was forwarded a moment ago, or who reads it tells
        return None
    return f"it has {size} bytes, and no segment has so many" if size > MAX_SEGMENT_BYTES else None


def is_spool_name(name: str) -> bool:
    """Return True for a name that a spool gives to something in its directory, and for ``lost+found``."""
    return name in _OTHER_NAMES or Segment.is_named_in(name)
