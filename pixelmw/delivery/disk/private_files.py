"""Opens files that are for their owner only: the one place that says how files of a spool are opened."""

from __future__ import annotations

import os
from pathlib import Path


def open_private(path: Path, flags: int) -> int:
    """Open *path* and return its descriptor; a new file gets mode 0600.

    :param flags: those of :func:`os.open`.
    :raises OSError: if it cannot be opened, or if it is a symbolic link (``ELOOP``).
    """
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
