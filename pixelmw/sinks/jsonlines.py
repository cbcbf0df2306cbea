"""A sink that appends events to a file, one line of JSON each."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..events import Event
from ..system.files import require_file_locks, sync_data, sync_directory, try_to_lock_file, unlock_file
from ..system.fork import ForkSafeLock
from .base import BatchSink, PartialFailure
from .encoding import encode, encode_each

_FIRST_PAUSE, _LONGEST_PAUSE = 0.0002, 0.01  # seconds


class JSONLines(BatchSink):
    """Appends each event to *path* as one line of JSON in UTF-8, with one ``O_APPEND`` write.

    Any number of threads and processes may write to one file, and it may be
    renamed away at any time: the file is opened anew for each event, and for
    each batch, which is one write and one sync too. (A rotated file may still
    get the line that was under way: let logrotate ``delaycompress``.) What did
    not fit on a full disk is taken back, a batch as a whole.

    :param path: the file; created where it is missing, its directory is not.
    :param sync: whether the line is on stable storage once the sink returns
        (``fdatasync``), or only with the operating system.
    :param timeout: seconds to wait for another process that has locked the file.
    :raises OSError: when called, where the event could not be stored;
        ``TimeoutError`` where the file stayed locked.
    """

    def __init__(self, path: str | os.PathLike[str], *, sync: bool = True, timeout: float = 5.0) -> None:
        require_file_locks("JSONLines")
        self.path = Path(path).absolute()
        self.sync = sync
        self.timeout = timeout
        # A child forked while the file is locked would keep it locked, if this process died before unlocking it.
        self._no_fork = ForkSafeLock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def write(self, events: Sequence[Event]) -> None:
        """Append *events* with one write, all or none of those that are JSON.

        :raises PartialFailure: for those that are not; all others are stored.
        :raises OSError: where none is stored.
        """
        lines, refused = encode_each(encode, events)
        if lines:
            self._append_and_sync(b"".join(line + b"\n" for line in lines.values()))
        if refused:
            raise PartialFailure(refused)

    def _append_and_sync(self, data: bytes) -> None:
        # A descriptor of its own for each call: nothing to share, to inherit or to find stale.
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            with self._locked(descriptor):
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
            # A process was killed within its write: what it left behind must not spoil this line.
            data = b"\n" + data
        try:
            written = os.write(descriptor, data)
            if written < len(data):
                raise OSError(f"only {written} of {len(data)} bytes fitted into {self.path}")
        except OSError:
            os.ftruncate(descriptor, size)
            raise

    @contextmanager
    def _locked(self, descriptor: int) -> Iterator[None]:
        """Keep other writers out, and keep this process from forking while it does."""
        if not self._no_fork.acquire(self.timeout):
            raise TimeoutError(f"{self.path} was busy for {self.timeout} seconds")
        try:
            self._lock(descriptor)
            try:
                yield
            finally:
                unlock_file(descriptor)
        finally:
            self._no_fork.release()

    def _lock(self, descriptor: int) -> None:
        deadline = time.monotonic() + self.timeout
        pause = _FIRST_PAUSE
        while not try_to_lock_file(descriptor):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.path} was locked for {self.timeout} seconds")
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
