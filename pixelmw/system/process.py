"""Tells processes apart, also where one has the process id of another."""

from __future__ import annotations

import mmap
import os
import sys
from contextlib import suppress

# Linux 4.14 and later; Python has no name for it: include/uapi/asm-generic/mman-common.h.
_MADV_WIPEONFORK = 18


def _make_mark() -> mmap.mmap | bytearray:
    """Return a byte that a fork sets back to zero, where the system can do that.

    A process id says less: the first process of a container and the first one
    of a container within it, which may be its child, both have the id 1.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # an older kernel; then the process id has to do
            page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            page.madvise(_MADV_WIPEONFORK)
            return page
    return bytearray(1)


def current_process() -> object:
    """Return an object that stands for this process: it stays the same, and no child has the same one.

    It differs also in a child with the process id of its parent, and in one
    that a server written in C forked without Python's hooks.
    """
    global _process, _pid
    if not _mark[0] or _pid != os.getpid():
        _process, _pid = object(), os.getpid()
        _mark[0] = 1
    return _process


_mark = _make_mark()
_process: object = object()
_pid = 0
