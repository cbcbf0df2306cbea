"""A spool that nobody drains, so that what is measured is what an accept costs."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SIGN = 1.0  # seconds between two signs that whoever has the lock runs


@contextmanager
def undrained(spool: Path) -> Iterator[None]:
    """Make the directory of a Spool, and keep its drain lock within the block, as a process that runs does."""
    spool.mkdir(mode=0o700)
    done = threading.Event()
    with (spool / "drain.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def give_signs() -> None:
            while not done.wait(_SIGN):
                os.utime(lock.fileno())

        thread = threading.Thread(target=give_signs)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
