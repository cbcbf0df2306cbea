"""Another user than root: a directory of theirs, and this process in their place for a while."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.needs import give_up

#: A user and a group that own nothing.
NOBODY = 65534


@contextmanager
def directory_of_another_user() -> Iterator[Path]:
    """A directory that belongs to a user who is not root; only root can make one, so the test needs root."""
    if os.geteuid():
        give_up("only root can give a directory to another user")
    # No other user can enter pytest's own directories.
    with tempfile.TemporaryDirectory() as public:
        os.chown(public, NOBODY, NOBODY)
        yield Path(public)


@contextmanager
def as_another_user() -> Iterator[None]:
    """Run this process, all its threads, as that user."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
