"""Points of the contract about fork: servers load an application, and then make workers of it."""

from __future__ import annotations

import os
import select
import signal
import time
import warnings
from collections.abc import Iterator

from ...events import Event
from ..compare import name_of
from .arrivals import Deviation
from .bench import Bench, Skip
from .calls import FLUSH_TIMEOUT, flushed

_CHILD_LIMIT = 30.0  # seconds for the child to store one event and to flush


def child(bench: Bench) -> Iterator[Deviation]:
    """Stores before the fork, in the child, and in the parent while the child lives and after it."""
    if not bench.flags.survives_fork:
        raise Skip("survives_fork=False")
    if not hasattr(os, "fork"):
        raise Skip("this system has no fork")
    before, of_child, beside, after = [bench.event() for _ in range(4)]
    yield from bench.store(before)
    yield from bench.flush()
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # A process with threads may deadlock in its child: that is what is looked for here.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        store_and_exit(bench, of_child, writing)
    os.close(writing)
    yield from bench.store(beside)
    words = words_of_child(pid, reading)
    yield from bench.store(after)
    if words:
        yield Deviation(
            f"in a child process, {name_of(of_child)} was not stored: {words}. What the parent has open is not the "
            "child's: remember os.getpid(), and open connections and start threads again where it has changed"
        )
    sent = [before, beside, after] if words else [before, of_child, beside, after]
    for each in bench.came(sent, maybe=[of_child] if words else [], orders=()):
        yield each.where("after a fork")


def store_and_exit(bench: Bench, event: Event, writing: int) -> None:
    """Store *event*, write what went wrong to the pipe, and end without what a process does at its end."""
    try:
        error = bench.give(event)
        words = [repr(error)] if error is not None else []
        if not words and bench.has_flush:
            words = list(flushed(bench.method("flush"), FLUSH_TIMEOUT))
        os.write(writing, "; ".join(words)[:2000].encode("utf-8", "replace"))
    finally:
        os._exit(0)


def words_of_child(pid: int, reading: int) -> str:
    """Wait for the child to end, and return what it wrote."""
    said = b""
    deadline = time.monotonic() + _CHILD_LIMIT
    try:
        while (remaining := deadline - time.monotonic()) > 0 and select.select([reading], [], [], remaining)[0]:
            if not (part := os.read(reading, 4096)):
                break
            said += part
        else:
            os.kill(pid, signal.SIGKILL)
            said = f"it hung for {_CHILD_LIMIT:g} seconds".encode()
    finally:
        os.close(reading)
        _, status = os.waitpid(pid, 0)
    if not said and status:
        return f"the child ended with status {status}"
    return said.decode("utf-8", "replace")
