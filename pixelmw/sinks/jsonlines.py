"""A sink that appends events to a file, one line of JSON each."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Self

from ..events import Event
from ..system.deadline import Deadline
from ..system.files import lock_file_until, require_file_locks, sync_data, sync_directory, unlock_file
from ..system.threads import call_outside_gevent
from .base import BatchSink, PartialFailure
from .encoding import encode, encode_each
from .local_files import PRIVATE, checked_mode, open_or_create, why_unusable

logger = logging.getLogger("pixelmw.sinks")


class JSONLines(BatchSink):
    """Appends each event to *path* as one line of JSON in UTF-8, with one ``O_APPEND`` write.

    Any number of threads and processes may write to one file, and the file may
    be renamed at any time: it is opened again for each event, or for each batch,
    which is one write and one sync too. (A file that was just rotated may still
    get a line from a write that was under way: let logrotate use
    ``delaycompress``.) If the disk is full, what was written of the event or of
    the batch is removed again.

    A path that cannot work is logged when the sink is made. As a context manager, the sink opens the file at once,
    creates it if it is missing, and raises what is wrong with it.

    :param path: the file. It is created if it is missing; its directory is not.
    :param sync: True to have the line on stable storage when the call returns
        (``fdatasync``), False to leave that to the operating system.
    :param timeout: seconds to wait for another process that has locked the file.
    :param mode: who may read and write the file, if it is created; ``0o640`` is for readers of its group.
    :raises OSError: when called, if the event could not be stored. It has an ``errno``, and is a
        ``TimeoutError`` if the file stayed locked.
    :raises Undeliverable: when called, if the event is not JSON.
    :raises ValueError: when made, if *mode* would keep the owner out, or lets somebody execute the file.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, sync: bool = True, timeout: float = 5.0, mode: int = PRIVATE
    ) -> None:
        require_file_locks("JSONLines")
        self.path = Path(path).absolute()
        self.sync = sync
        self.timeout = timeout
        self.mode = checked_mode(mode)
        if reason := why_unusable(self.path):
            logger.warning("%r can store nothing as it is: %s", self, reason)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def write(self, events: Sequence[Event]) -> None:
        """Append *events* with one write: all of those that are JSON, or none.

        :raises PartialFailure: for those that are not JSON; all others are stored.
        :raises OSError: if none is stored.
        """
        lines, refused = encode_each(encode, events)
        if lines:
            data, deadline = b"\n".join([*lines.values(), b""]), Deadline(self.timeout)
            call_outside_gevent(partial(self._append_and_sync, data, deadline), deadline.bring_forward)
        if refused:
            raise PartialFailure(refused)

    def __enter__(self) -> Self:
        os.close(self._open())
        return self

    def _open(self) -> int:
        return open_or_create(self.path, self.mode, os.O_RDWR | os.O_APPEND)

    def _append_and_sync(self, data: bytes, deadline: Deadline) -> None:
        # Each call opens the file for itself, so no descriptor is shared, inherited or left on a renamed file.
        descriptor = self._open()
        try:
            # No fork happens meanwhile, since this is within a turn: a child would inherit the lock of the file, and
            # keep it if this process died before it unlocked the file.
            if not lock_file_until(descriptor, deadline):
                reason = f"it was locked for {self.timeout:g} seconds"
                raise TimeoutError(errno.ETIMEDOUT, reason, str(self.path))
            try:
                self._append(descriptor, data)
            finally:
                unlock_file(descriptor)
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
            raise OSError(error.errno or errno.EIO, error.strerror or "the write failed", str(self.path)) from error
