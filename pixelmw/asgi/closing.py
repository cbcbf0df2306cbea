"""The end of a sink under ASGI: what it has is sent, then it is closed, each within its time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ..sinks.base import call_within
from ..system.callables import is_awaited, raise_if_unfinished
from ..system.threads import Task

logger = logging.getLogger("pixelmw.requests")

_LOOK = 0.01  # seconds between two looks at what is waited for
_GRACE = 1.0  # seconds beyond the time that a method was given itself


async def flush_and_close(sink: Any, timeout: float) -> None:
    """Flush and close *sink*, as far as it has the methods, plain or awaited. What fails in one is logged.

    :param timeout: seconds for each of the two, after which nobody waits for it any more.
    """
    for name in ("flush", "close"):
        if callable(method := getattr(sink, name, None)):
            try:
                await _call(name, method, timeout)
            except Exception:
                logger.exception("the sink could not be closed: its %s failed", name)


async def wait_while(condition: Callable[[], object], timeout: float) -> bool:
    """Wait at most *timeout* seconds while *condition* returns something true; returns whether it does no more."""
    deadline = time.monotonic() + timeout
    while condition():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_LOOK)
    return True


async def _call(name: str, method: Callable[..., Any], timeout: float) -> None:
    if is_awaited(method):
        async with asyncio.timeout(timeout + _GRACE):
            await call_within(timeout, method)  # type: ignore[misc]  # it is a coroutine
        return
    # A thread of its own: the loop's pool would be waited for without an end when the loop is closed.
    task = Task(partial(call_within, timeout, method), f"pixelmw-{name}")
    await wait_while(lambda: not task.is_done(), timeout + _GRACE)
    raise_if_unfinished(f"the method {name}", method, task.result())
