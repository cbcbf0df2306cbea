"""Calls a plain method of a sink, such as ``start`` or ``close``, in a thread that holds up the end of nobody."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from ..system.callables import raise_if_unfinished
from ..system.threads import Task
from .calls import as_exception

_LOOK = 0.01  # seconds between two looks at what is waited for


async def wait_while(condition: Callable[[], object], timeout: float) -> bool:
    """Wait at most *timeout* seconds while *condition* returns something true; returns whether it does no more."""
    deadline = time.monotonic() + timeout
    while condition():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_LOOK)
    return True


async def call_method(
    name: str, method: Callable[..., object], call: Callable[[], object], timeout: float = math.inf
) -> None:
    """Make *call*, which calls *method*.

    The thread is its own: those of a pool are waited for without an end when the loop is closed, and when Python ends.

    :param name: that of the method.
    :param timeout: seconds, after which nobody waits for it any more.
    :raises TimeoutError: if it has not ended by then.
    :raises TypeError: if it returned what is to be awaited.
    :raises BaseException: what it raised, or an ``Exception`` in its place if it was to end that thread only.
    """

    def run() -> object:
        try:
            return call()
        except BaseException as raised:
            error = as_exception(raised, method)
            if error is raised:
                raise
            raise error  # noqa: B904  # it has its cause

    task = Task(run, f"pixelmw-{name}")
    await wait_while(lambda: not task.is_done(), timeout)
    raise_if_unfinished(f"the method {name}", method, task.result())
