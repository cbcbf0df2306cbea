"""A block of code that no tracer sees, for threads into which exceptions are raised from outside."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def untraced() -> Iterator[None]:
    """Switch tracing off for this thread and those that it starts.

    Before Python 3.12, a thread that is traced, as by coverage, does not go on
    while an exception from outside waits for a thread that is blocked.
    """
    usual, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(of_threads)
        sys.settrace(usual)
