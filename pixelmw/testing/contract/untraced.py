"""A block of code that no tracer sees, for threads into which exceptions are raised from outside."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Untraced:
    """What a block found out: whether a thread hangs that it interrupted. Then nothing is traced any more."""

    hangs: bool = False


# What a block found out that stands within others is theirs, too.
_found: list[Untraced] = []


@contextmanager
def untraced() -> Iterator[Untraced]:
    """Switch tracing off for this thread and those that it starts.

    Before Python 3.12, a thread that is traced, as by coverage, does not go on
    while an exception from outside waits for a thread that is blocked. So
    everything that starts a thread of the sink's belongs into the block.
    """
    found = Untraced()
    _found.append(found)
    usual, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield found
    finally:
        _found.remove(found)
        if found.hangs and _found:
            _found[-1].hangs = True
        elif not found.hangs:
            threading.settrace(of_threads)
            sys.settrace(usual)
