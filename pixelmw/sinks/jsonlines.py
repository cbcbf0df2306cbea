"""A sink that appends events to a file, one line of JSON each."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..events import Event
from ..system.files import require_file_locks, sync_data, sync_directory, try_to_lock_file, unlock_file
from .base import BatchSink, PartialFailure
from .encoding import encode, encode_each

# Seconds between two tries to lock the file, which is locked for no longer than a write takes. The pause doubles after
# each try, up to the second figure.
_MIN_PAUSE, _MAX_PAUSE = 0.0002, 0.01


class JSONLines(BatchSink):
    """Appends each event to *path* as one line of JSON in UTF-8, with one ``O_APPEND`` write.

    Any number of threads and processes may write to one file, and the file may
    be renamed at any time: it is opened again for each event, or for each batch,
    which is one write and one sync too. (A file that was just rotated may still
    get a line from a write that was under way: let logrotate use
    ``delaycompress``.) If the disk is full, what was written of the event or of
    the batch is removed again.

    :param path: the file. It is created if it is missing; its directory is not.
    :param sync: True to have the line on stable storage when the call returns
        (``fdatasync``), False to leave that to the operating system.
    :param timeout: seconds to wait for another process that has locked the file.
    :raises OSError: when called, if the event could not be stored. It is a
        ``TimeoutError`` if the file stayed locked.
    :raises Undeliverable: when called, if the event is not JSON.
    """

    def __init__(self, path: str | os.PathLike[str], *, sync: bool = True, timeout: float = 5.0) -> None:
        require_file_locks("JSONLines")
        self.path = Path(path).absolute()
        self.sync = sync
        self.timeout = timeout

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def write(self, events: Sequence[Event]) -> None:
        """Append *events* with one write: all of those that are JSON, or none.

        :raises PartialFailure: for those that are not JSON; all others are stored.
        :raises OSError: if none is stored.
        """
        lines, refused = encode_each(encode, events)
        if lines:
            self._append_and_sync(b"".join(line + b"\n" for line in lines.values()))
        if refused:
            raise PartialFailure(refused)

    def _append_and_sync(self, data: bytes) -> None:
        # Each call opens the file for itself, so no descriptor is shared, inherited or left on a renamed file.
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            with self._file_locked(descriptor):
                self._append(descriptor, data)
            if self.sync:
                sync_data(descriptor)
        finally:
            os.close(descriptor)

    def _append(self, descriptor: int, data: bytes) -> None:
        size = os.fstat(descriptor).st_size
        if size == 0:
            if self.sync:
                sync_directory(self.path.parent)
        elif os.pread(descriptor, 1, size - 1) != b"\n":
            # A process was killed within its write. The part of a line that it left must not spoil this line.
            data = b"\n" + data
        try:
            while data:  # one write, unless the disk is full: then a second one says so with its errno
                data = data[os.write(descriptor, data) :]
        except OSError as error:
            os.ftruncate(descriptor, size)
            raise OSError(error.errno, os.strerror(error.errno or 0), str(self.path)) from error

    @contextmanager
    def _file_locked(self, descriptor: int) -> Iterator[None]:
        """Keep other writers out within the block.

        No fork happens meanwhile, since this is within a turn: a child would inherit the lock of the file, and keep
        it if this process died before it unlocked the file.
        """
        self._lock_file(descriptor)
        try:
            yield
        finally:
            unlock_file(descriptor)

    def _lock_file(self, descriptor: int) -> None:
        deadline = time.monotonic() + self.timeout
        pause = _MIN_PAUSE
        while not try_to_lock_file(descriptor):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.path} was locked for {self.timeout} seconds")
            time.sleep(pause)
            pause = min(pause * 2, _MAX_PAUSE)
