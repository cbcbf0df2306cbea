"""The directory of a spool: its segment files, and what several processes agree on there."""

from __future__ import annotations

import errno
import os
import re
import stat
import struct
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from ...system.files import locked, sync_directory, try_to_lock_file

_NAME = re.compile(r"(\d{14})-([0-9a-f]{12})-(\d{12})\.segment")
_CURSOR = struct.Struct("<QI")
_PRIVATE = os.O_CLOEXEC | os.O_NOFOLLOW
_WRITABLE = 0o200
# What a file system says that keeps no modes, or not for a file of another user's.
_NO_MODES = (errno.EPERM, errno.EOPNOTSUPP)


class Segment(NamedTuple):
    """The name of a segment file, taken apart; they sort oldest first, and those of one writer in its order."""

    created: int  # milliseconds since the epoch; later than that of the writer's last one
    writer: str
    first: int  # the number of its first record

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.created:014d}-{self.writer}-{self.first:012d}.segment"

    @property
    def cursor(self) -> str:
        """The name of the file that tells how much of it has been forwarded."""
        return f"{self.name}.cursor"


class SpoolDirectory:
    """A directory of segments, for its owner only.

    A segment has one writer. Whoever wants to read it *seals* it first, which
    takes the owner's right to write from it; its writer looks for that, under
    the file's lock, before each write. So nobody has to know whether the writer
    is alive, and a file of a dead process is one like any other.

    A seal may not last: a ``chmod -R``, or a volume that is mounted, gives the
    right back, and some file systems ignore modes. So a segment is removed only
    after a look at its size, under its lock.

    :param path: made where it is missing, with mode 0700; its parent is not made.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        self._prefix = f"{self.path}{os.sep}"

    def prepare(self) -> None:
        """Make sure that it is there, and nobody else's.

        :raises OSError: where it can't be made, or is no directory.
        :raises PermissionError: where others may look into it.
        """
        with suppress(FileExistsError):
            self.path.mkdir(mode=0o700)
            sync_directory(self.path.parent)
        status = self.path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(f"{self.path} is not a directory")
        if status.st_uid != os.geteuid() and os.geteuid() != 0:
            raise PermissionError(f"{self.path} belongs to another user")
        if stat.S_IMODE(status.st_mode) & 0o077:
            mode = stat.S_IMODE(status.st_mode)
            raise PermissionError(f"{self.path} has mode {mode:04o}, and holds what visitors did: give it mode 0700")

    def segments(self) -> list[Segment]:
        """All segments, in the order in which they are to be forwarded; none where there is no directory."""
        try:
            found = [_NAME.fullmatch(path.name) for path in self.path.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(Segment(int(name[1]), name[2], int(name[3])) for name in found if name)

    def size(self) -> int:
        """Bytes in all files in it and in its directories."""
        total = 0
        folders = [str(self.path)]
        while folders:
            with suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):  # forwarded just now
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                        else:
                            total += entry.stat(follow_symlinks=False).st_size
        return total

    def create(self, segment: Segment) -> int:
        """Make a new segment file, and return a descriptor to append to it with."""
        return _private(self.path / segment.name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL)

    def accepts(self, segment: Segment, descriptor: int, size: int) -> bool:
        """Whether the writer may go on in *segment* at offset *size*: nobody has sealed, moved or changed it."""
        status = os.fstat(descriptor)
        try:
            there = os.lstat(f"{self._prefix}{segment.name}")
        except OSError:
            return False
        sealed = not status.st_mode & _WRITABLE
        return not sealed and status.st_size == size and os.path.samestat(status, there)

    def seal(self, segment: Segment, start: int = 0) -> tuple[bytes, bool]:
        """Keep the writer of *segment* from going on in it.

        :param start: the offset to read from.
        :returns: what the segment holds from *start* on, and whether the seal holds.
        :raises FileNotFoundError: where it is gone.
        """
        with open(_private(self.path / segment.name, os.O_RDONLY), "rb") as file:
            with locked(file.fileno()):
                try:
                    os.fchmod(file.fileno(), stat.S_IRUSR)
                except OSError as error:
                    if error.errno not in _NO_MODES:
                        raise
                status = os.fstat(file.fileno())
            file.seek(start)
            # No more than there was under the lock: where the seal does not hold, a write may be under way behind it.
            return file.read(max(0, status.st_size - start)), not status.st_mode & _WRITABLE

    def peek(self, segment: Segment, offset: int) -> bytes:
        """What *segment* holds from *offset* on, while its writer goes on; the last record may not be whole yet."""
        with open(_private(self.path / segment.name, os.O_RDONLY), "rb") as file:
            file.seek(offset)
            return file.read()

    def forwarded(self, segment: Segment) -> int:
        """How many bytes of *segment* have been forwarded: 0 where that is not known for sure."""
        try:
            data = (self.path / segment.cursor).read_bytes()
            offset, checksum = _CURSOR.unpack(data)
        except (OSError, struct.error):
            return 0
        return offset if checksum == _cursor_checksum(segment, offset) else 0

    def note_forwarded(self, segment: Segment, offset: int) -> None:
        """Note that *segment* has been forwarded up to *offset*; losing the note means sending again, no more."""
        data = _CURSOR.pack(offset, _cursor_checksum(segment, offset))
        with suppress(OSError):  # a full disk must not keep anything from being forwarded
            descriptor = _private(self.path / segment.cursor, os.O_WRONLY | os.O_CREAT)
            try:
                os.pwrite(descriptor, data, 0)
            finally:
                os.close(descriptor)

    def quarantine(self, segment: Segment, offset: int, data: bytes) -> None:
        """Keep the damaged *data* from *segment* at *offset*, on stable storage, in the folder ``quarantine``."""
        folder = self.path / "quarantine"
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            sync_directory(self.path)
        path = folder / f"{segment.name}.{offset}"
        with open(_private(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_directory(folder)

    def remove_read(self, segment: Segment, size: int) -> bool:
        """Delete *segment*, of which *size* bytes have been read and forwarded, unless it has grown since.

        :returns: whether it is gone.
        """
        with suppress(FileNotFoundError):
            descriptor = _private(self.path / segment.name, os.O_RDONLY)
            try:
                with locked(descriptor):  # its writer looks for the name under this lock, too, and writes no more
                    if os.fstat(descriptor).st_size > size:
                        return False
                    self.remove(segment)
            finally:
                os.close(descriptor)
        return True

    def remove(self, segment: Segment) -> None:
        """Delete a segment of which nothing is needed any more, and then what was noted of it."""
        for name in (segment.name, segment.cursor):
            (self.path / name).unlink(missing_ok=True)

    def tidy(self) -> None:
        """Delete the notes about segments that are gone; for the one who forwards."""
        for cursor in self.path.glob("*.segment.cursor"):
            if not cursor.with_suffix("").exists():
                cursor.unlink(missing_ok=True)

    def drain_lock(self) -> int | None:
        """A descriptor whose owner is the one who forwards from here, until it is closed; none where somebody is."""
        descriptor = _private(self.path / "drain.lock", os.O_RDWR | os.O_CREAT)
        if not try_to_lock_file(descriptor):
            os.close(descriptor)
            return None
        return descriptor

    def check(self, drain_lock: int) -> None:
        """Make sure that nobody else can have become the one who forwards, and that the file system is in order.

        :raises OSError: where the lock's file was deleted or moved, or its file system was made read-only.
        """
        os.utime(drain_lock)
        if not os.path.samestat(os.fstat(drain_lock), os.lstat(self.path / "drain.lock")):
            raise FileNotFoundError(f"{self.path} is not the directory that it was")


def _private(path: Path, flags: int) -> int:
    """Open a file that is for its owner only, and not one that a link leads to."""
    return os.open(path, flags | _PRIVATE, 0o600)


def _cursor_checksum(segment: Segment, offset: int) -> int:
    return crc32(f"{segment.name}:{offset}".encode())
