"""A sink that appends events to a file, one line of JSON each."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..events import Event
from ..forksafe import ForkSafeLock

# macOS has no fdatasync.
_sync = getattr(os, "fdatasync", os.fsync)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0002, 0.01  # seconds


class JSONLines:
    """Appends each event to *path* as one line of JSON in UTF-8, with one ``O_APPEND`` write.

    Any number of threads and processes may write to one file, and it may be
    renamed away at any time: the file is opened anew for each event. (A
    rotated file may still get the line that was under way: let logrotate
    ``delaycompress``.) A line that did not fit on a full disk is taken back.

    :param path: the file; created where it is missing, its directory is not.
    :param sync: whether the line is on stable storage once the sink returns
        (``fdatasync``), or only with the operating system.
    :param timeout: seconds to wait for another process that has locked the file.
    :raises OSError: when called, where the event could not be stored;
        ``TimeoutError`` where the file stayed locked.
    """

    def __init__(self, path: str | os.PathLike[str], *, sync: bool = True, timeout: float = 5.0) -> None:
        self.path = Path(path).absolute()
        self.sync = sync
        self.timeout = timeout
        # A child forked while the file is locked would keep it locked, if this process died before unlocking it.
        self._no_fork = ForkSafeLock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def __call__(self, event: Event) -> None:
        line = json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        # A descriptor of its own for each call: nothing to share, to inherit or to find stale.
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            with self._locked(descriptor):
                self._append(descriptor, line)
            if self.sync:
                _sync(descriptor)
        finally:
            os.close(descriptor)

    def _append(self, descriptor: int, line: bytes) -> None:
        size = os.fstat(descriptor).st_size
        if size == 0:
            if self.sync:
                self._sync_directory()
        elif os.pread(descriptor, 1, size - 1) != b"\n":
            # A process was killed within its write: what it left behind must not spoil this line.
            line = b"\n" + line
        try:
            written = os.write(descriptor, line)
            if written < len(line):
                raise OSError(f"only {written} of {len(line)} bytes fitted into {self.path}")
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
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            self._no_fork.release()

    def _lock(self, descriptor: int) -> None:
        deadline = time.monotonic() + self.timeout
        pause = _FIRST_PAUSE
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self.path} was locked for {self.timeout} seconds") from None
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _sync_directory(self) -> None:
        """Make sure that a new file's name outlives a power cut, before anything is acknowledged in it."""
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
