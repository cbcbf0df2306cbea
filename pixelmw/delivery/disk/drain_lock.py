"""The drain lock of a directory: which process forwards from it, and when another one takes over.

Rules:

1. The process that holds the lock of the file ``drain.lock`` has the turn. The system gives the lock back when that
   process dies. The file says which process it is, for whoever looks.
2. Once a second, also during a call of the sink, the holder sets the file's time of modification.
3. If that time stands still for ``LAPSE`` seconds of the clock of somebody who waits, the holder does not run: it is
   stopped (SIGSTOP, a frozen container), or cannot be scheduled. Its lock has *lapsed*. Who waits puts a new file in
   the place of ``drain.lock``, and holds that one. The lock of the directory itself lets one do so at a time.
4. Before each step the holder checks that its file is still the one in the directory. If it is not, another process
   has the turn, or the directory was replaced.
5. A holder that runs on after its lock has lapsed may finish the step that it was in. Nothing is lost by that: it
   removes only what the sink has, and nothing that it has not read. Some events are sent twice.

====== ================================================================= ======
state  event                                                             next
====== ================================================================= ======
free   ``try_take``, and nobody has it, or his has lapsed                held
free   ``try_take``, and another process has it                          free
held   ``close``; ``abandon`` in a child, whose parent goes on with it   free
held   ``check`` finds another file                                      held, until its owner closes it
====== ================================================================= ======
"""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from contextlib import suppress

from ...system.files import try_to_lock_file
from ...system.fork import ForkSafeLock
from ..watch import unwatch, watch
from .directory import DRAIN_LOCK, SpoolDirectory

logger = logging.getLogger("pixelmw.delivery")

#: Seconds without a sign of the holder after which another process takes over. A process that runs gives five in that
#: time; one that is too busy for a single one forwards nothing either.
LAPSE = 5.0
# What the file says: the process id, the host, and since when.
_SIGNATURE = re.compile(r"(\d+) (\S+) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\n", re.ASCII)
_MAX_SIGNATURE = 1000  # bytes; the name of a host has at most 253


class DrainLock:
    """The drain lock of *directory*, as one process sees it.

    :ivar is_held: True if this process has it.
    :ivar holder_runs: True once ``try_take`` has seen a sign of another process that has it.
    """

    def __init__(self, directory: SpoolDirectory) -> None:
        self._directory = directory
        self._path = directory.path / DRAIN_LOCK
        # Held while the descriptor changes. A child that inherited it without knowing would keep the lock from others.
        self._lock = ForkSafeLock()
        self._descriptor: int | None = None
        self._sign: tuple[int, int, int] | None = None  # of the process that has the lock instead
        self._sign_seen_at = 0.0  # for the first time, on the monotonic clock
        self.holder_runs = False

    @property
    def is_held(self) -> bool:
        return self._descriptor is not None

    def try_take(self) -> bool:
        """Take the lock if no other process has it, or if that process does not run.

        :returns: True if this process has it now.
        """
        with self._lock:
            if self._descriptor is None:
                self._descriptor = self._taken()
        if self._descriptor is None:
            return False
        watch(self)
        return True

    def check(self) -> None:
        """Check that no other process can have the turn, and that the file system can be written to.

        :raises OSError: if the lock's file is gone or was replaced, or if its file system is read-only now.
        """
        if self._descriptor is None:
            raise ValueError("the drain lock is not held")
        os.utime(self._descriptor)
        if not self._is_in_place(self._descriptor):
            raise FileNotFoundError(
                f"{self._path} is another file now, or gone: this process did not run for {LAPSE:g} seconds and "
                "another one took over, or the directory was renamed, deleted or replaced"
            )

    def close(self) -> None:
        """Give the lock back, if it is held."""
        unwatch(self)
        self.abandon()

    def abandon(self) -> None:
        """Close the descriptor. In a child, the parent still has the lock."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, None
            if descriptor is not None:
                os.close(descriptor)

    def look(self) -> None:
        """Give a sign that this process runs."""
        with self._lock, suppress(OSError):  # the next check tells
            if self._descriptor is not None:
                os.utime(self._descriptor)

    def holder(self) -> str:
        """Return which process has the lock, and since when, as far as the file says."""
        named = self._named_process()
        return "a process that is not known" if named is None else "process {} on {}, since {}".format(*named)

    def names_a_process(self) -> bool:
        """Return True if the file is there and says which process has, or had, the lock."""
        return self._named_process() is not None

    def _named_process(self) -> tuple[str, str, str] | None:
        """Return the process id, the host and the time that the file says."""
        try:
            with self._directory.open() as opened, os.fdopen(opened.open(DRAIN_LOCK, os.O_RDONLY), "rb") as file:
                found = _SIGNATURE.fullmatch(file.read(_MAX_SIGNATURE).decode())
        except (OSError, ValueError):
            return None
        return None if found is None or not found[2].isprintable() else (found[1], found[2], found[3])

    def _taken(self) -> int | None:
        """Return a descriptor that has the lock of the file that is in place, or ``None``."""
        descriptor = self._directory.open_file(DRAIN_LOCK)
        is_taken = has_lapsed = False
        try:
            if try_to_lock_file(descriptor):
                if self._is_in_place(descriptor):
                    self._sign_file(descriptor)
                    is_taken = True
            else:
                has_lapsed = self._has_lapsed(descriptor) and self._remove(descriptor)
        finally:
            if not is_taken:
                os.close(descriptor)
        if has_lapsed:
            return self._taken()
        return descriptor if is_taken else None

    def _is_in_place(self, descriptor: int) -> bool:
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(descriptor), os.lstat(self._path))
        return False

    def _has_lapsed(self, descriptor: int) -> bool:
        """Return True if the process that has the lock has given no sign for ``LAPSE`` seconds."""
        status, now = os.fstat(descriptor), time.monotonic()
        sign = status.st_dev, status.st_ino, status.st_mtime_ns
        if sign != self._sign:
            self.holder_runs = self._sign is not None
            self._sign, self._sign_seen_at = sign, now
        return now - self._sign_seen_at >= LAPSE

    def _remove(self, lapsed: int) -> bool:
        """Remove the file whose lock has lapsed; returns False if another process was faster."""
        holder = self.holder()
        with self._directory.open() as opened:
            if not (try_to_lock_file(opened.descriptor) and self._is_in_place(lapsed)):
                return False
            self._path.unlink()
        logger.warning(
            "%s, which forwards from %s, has not run for %d seconds; another process takes over",
            holder, self._directory.path, LAPSE,
        )  # fmt: skip
        return True

    def _sign_file(self, descriptor: int) -> None:
        """Write into the file which process has the lock."""
        text = f"{os.getpid()} {socket.gethostname()} {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}\n"
        with suppress(OSError):  # the disk is full; the lock is what counts
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, text.encode(), 0)
