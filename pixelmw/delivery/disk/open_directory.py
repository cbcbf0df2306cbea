"""A directory that is open, and how files in it are opened: the one place that does so for a spool.

Rules, since whoever may write to the directory may have put anything there:

1. Files are opened relative to the descriptor of the directory, so that nobody can put another one in its place.
2. No link is followed. Only regular files are used; opening a FIFO or a device does not wait.
3. In another user's directory, root opens a file that is not that user's only if it has no other name: it may be a
   hard link to a file that only root may read or write.
4. What is made is for its owner only. What root makes in another user's directory is given to that user, so that the
   user's processes can go on with it. Only what did not exist before is given away (``O_EXCL``, ``mkdir``).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW


class OpenDirectory:
    """A directory that is open until the end of a ``with`` block.

    :param path: the directory.
    :param parent: the open directory that it is in; *path* is then taken relative to it.
    :raises FileNotFoundError: if there is nothing at *path*.
    :raises NotADirectoryError: if there is something else, also a link to a directory.
    :ivar status: what :func:`os.fstat` said when it was opened.
    """

    def __init__(self, path: Path, parent: OpenDirectory | None = None) -> None:
        self.path = path
        try:
            if parent is None:
                self.descriptor = os.open(path, _DIRECTORY_FLAGS)
            else:
                self.descriptor = os.open(path.name, _DIRECTORY_FLAGS, dir_fd=parent.descriptor)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise NotADirectoryError(f"{path} is not a directory") from error
            raise
        self.status = os.fstat(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self.descriptor)

    def make_folder(self, name: str) -> None:
        """Make the folder *name* if it is missing, with mode 0700, on stable storage."""
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=self.descriptor)
            try:
                with self.folder(name) as folder:
                    if not folder.names():  # it is the one that was made, and none that was put in its place
                        self._give_away(folder.descriptor)
                self.sync()
            except OSError:
                with suppress(OSError):
                    os.rmdir(name, dir_fd=self.descriptor)  # who comes next makes it anew, and whole
                raise

    def folder(self, name: str) -> OpenDirectory:
        """Open the folder *name*, to be used in a ``with`` block."""
        return OpenDirectory(self.path / name, self)

    def create(self, name: str, flags: int) -> int:
        """Make the file *name* with mode 0600, and return its descriptor.

        :param flags: those of :func:`os.open`.
        :raises FileExistsError: if there is one.
        """
        descriptor = os.open(name, flags | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600, dir_fd=self.descriptor)
        try:
            self._give_away(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def open(self, name: str, flags: int) -> int:
        """Open the file *name*, which must exist, and return its descriptor.

        :param flags: those of :func:`os.open`.
        :raises OSError: if it cannot be opened, is a link (``ELOOP``), or is no regular file (``EINVAL``).
        :raises PermissionError: if it is another user's; the message says what to do.
        """
        try:
            descriptor = os.open(name, flags | _FLAGS, dir_fd=self.descriptor)
        except PermissionError as error:
            remedy = f"{self.path / name} cannot be opened: give it to the owner of {self.path}, with mode 0600"
            raise PermissionError(error.errno, remedy) from error
        try:
            self._check(name, os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def open_or_create(self, name: str, flags: int) -> int:
        """Open the file *name*, or make it if it is missing, and return its descriptor."""
        while True:
            with suppress(FileNotFoundError):
                return self.open(name, flags)
            with suppress(FileExistsError):
                return self.create(name, flags)

    def files(self) -> Iterator[os.DirEntry[str]]:
        """Yield the entries of regular files; links, folders and anything else are left out."""
        with os.scandir(self.descriptor) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    yield entry

    def names(self) -> list[str]:
        """Return the names of all entries, whatever they are."""
        with os.scandir(self.descriptor) as entries:
            return [entry.name for entry in entries]

    def remove(self, name: str) -> None:
        """Delete the file *name*; it is no error if it is gone. A link is deleted, and not what it leads to."""
        (self.path / name).unlink(missing_ok=True)

    def sync(self) -> None:
        """Write the names to stable storage. Without this, a new file may be gone after a power cut."""
        os.fsync(self.descriptor)

    @property
    def _is_of_another_user(self) -> bool:
        return self.status.st_uid != os.geteuid()

    def _give_away(self, descriptor: int) -> None:
        """Rule 4."""
        if self._is_of_another_user and os.geteuid() == 0:
            # A container may take that right away, or not know that user; the event is stored all the same.
            with suppress(OSError):
                os.fchown(descriptor, self.status.st_uid, self.status.st_gid)

    def _check(self, name: str, status: os.stat_result) -> None:
        """Rules 2 and 3."""
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(self.path / name))
        if self._is_of_another_user and status.st_uid != self.status.st_uid and status.st_nlink > 1:
            raise PermissionError(f"{self.path / name} is another name of a file that {self.path}'s owner does not own")
