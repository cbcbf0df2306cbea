"""The end of a sink under ASGI: what it has is sent, then it is closed, each within its time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from ..sinks.base import call_within
from ..system.callables import is_awaited
from .methods import call_method

logger = logging.getLogger("pixelmw.requests")

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


async def _call(name: str, method: Callable[..., Any], timeout: float) -> None:
    if is_awaited(method):
        async with asyncio.timeout(timeout + _GRACE):
            await call_within(timeout, method)  # type: ignore[misc]  # it is a coroutine
        return
    await call_method(name, method, partial(call_within, timeout, method), timeout + _GRACE)
