"""The directory of a spool: the only place that touches its segment files and its locks."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from ...system.files import locked, sync_directory, try_to_lock_file
from .cursors import Cursors
from .private_files import open_private
from .segment import Segment

_WRITABLE = 0o200


class SpoolDirectory:
    """A directory of segments, for its owner only.

    What several processes agree on here is described in :mod:`pixelmw.delivery.disk`.

    :param path: made if it is missing, with mode 0700; its parent is not made.
    :ivar cursors: how much of each segment has been forwarded.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        self.cursors = Cursors(self.path)
        self._prefix = f"{self.path}{os.sep}"

    # --- the directory as a whole ---

    def prepare(self) -> None:
        """Make the directory if it is missing, and check that it is private.

        :raises OSError: if it cannot be made, or is not a directory.
        :raises PermissionError: if it belongs to another user, or other users may look into it.
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
            raise PermissionError(f"{self.path} has mode {mode:04o}, and holds data about visitors: give it mode 0700")

    def segments(self) -> list[Segment]:
        """Return all segments, in the order in which they are to be forwarded; none if there is no directory."""
        try:
            found = [Segment.from_name(path.name) for path in self.path.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(filter(None, found))

    def bytes_used(self) -> int:
        """Return the size of all files in the directory and in its folders."""
        total = 0
        folders = [str(self.path)]
        while folders:
            with suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):  # it was forwarded a moment ago
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                        else:
                            total += entry.stat(follow_symlinks=False).st_size
        return total

    def try_drain_lock(self) -> int | None:
        """Take the drain lock, if no other process has it.

        :returns: a descriptor that holds the lock until it is closed, or ``None``.
        """
        descriptor = open_private(self.path / "drain.lock", os.O_RDWR | os.O_CREAT)
        if not try_to_lock_file(descriptor):
            os.close(descriptor)
            return None
        return descriptor

    def check_drain_lock(self, descriptor: int) -> None:
        """Check that no other process can have taken the drain lock, and that the file system can be written to.

        :raises OSError: if the lock's file was deleted or moved, or if its file system is read-only now.
        """
        os.utime(descriptor)
        if not os.path.samestat(os.fstat(descriptor), os.lstat(self.path / "drain.lock")):
            raise FileNotFoundError(f"{self.path}/drain.lock is another file now: it or its directory was replaced")

    # --- for the writer of a segment ---

    def create(self, segment: Segment) -> int:
        """Make a new segment file, and return a descriptor that appends to it."""
        return open_private(self.path / segment.name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL)

    def may_append(self, name: str, descriptor: int, size: int) -> bool:
        """Return True if nobody has sealed, moved or changed a segment since its writer left it with *size* bytes.

        :param name: that of the segment's file.
        """
        status = os.fstat(descriptor)
        try:
            named = os.lstat(f"{self._prefix}{name}")
        except OSError:
            return False
        sealed = not status.st_mode & _WRITABLE
        return not sealed and status.st_size == size and os.path.samestat(status, named)

    def remove(self, segment: Segment) -> None:
        """Delete a segment from which nothing is needed any more, and then its cursor."""
        for name in (segment.name, segment.cursor_name):
            (self.path / name).unlink(missing_ok=True)

    # --- for readers ---

    def read_from(self, segment: Segment, offset: int) -> bytes:
        """Return what *segment* holds from *offset* on, without sealing it; the last record may be incomplete."""
        with os.fdopen(open_private(self.path / segment.name, os.O_RDONLY), "rb") as file:
            file.seek(offset)
            return file.read()

    def seal(self, segment: Segment, start: int = 0) -> tuple[bytes, bool]:
        """Stop the writer of *segment* from appending to it, and read it.

        :param start: the offset to read from.
        :returns: what the segment holds from *start* on, and whether the seal holds.
        :raises FileNotFoundError: if the segment is gone.
        """
        with os.fdopen(open_private(self.path / segment.name, os.O_RDONLY), "rb") as file:
            with locked(file.fileno()):
                with suppress(OSError):  # some file systems refuse; the look at the mode shows if the seal holds
                    os.fchmod(file.fileno(), stat.S_IRUSR)
                status = os.fstat(file.fileno())
            file.seek(start)
            # Not more than the file held under the lock: if the seal does not hold, the writer may be writing now.
            return file.read(max(0, status.st_size - start)), not status.st_mode & _WRITABLE

    def quarantine(self, segment: Segment, offset: int, data: bytes) -> None:
        """Keep the damaged *data* from *segment* at *offset*, on stable storage, in the folder ``quarantine``."""
        folder = self.path / "quarantine"
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            sync_directory(self.path)
        path = folder / f"{segment.name}.{offset}"
        with os.fdopen(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_directory(folder)

    def remove_read(self, segment: Segment, size: int) -> bool:
        """Delete *segment*, of which *size* bytes have been read and forwarded, unless it has grown since.

        :returns: True if it is gone.
        """
        with suppress(FileNotFoundError):
            descriptor = open_private(self.path / segment.name, os.O_RDONLY)
            try:
                with locked(descriptor):  # its writer looks for the name under this lock, and does not write without it
                    if os.fstat(descriptor).st_size > size:
                        return False
                    self.remove(segment)
            finally:
                os.close(descriptor)
        return True
