"""The lifespan of the application: passed on, and answered where the application does not know of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from .environ import Scope
from .ways import Ways

logger = logging.getLogger("pixelmw.requests")

# Seconds for a sink to send what it has, and for it to close. Servers end a worker after thirty or more.
_CLOSE_TIMEOUT = 10.0
# Seconds. If the application has not asked for the first message, it is there at once.
_FIRST_MESSAGE_TIMEOUT = 0.5
_ENDS = ("lifespan.shutdown.complete", "lifespan.shutdown.failed")

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Lifespan:
    """Passes the lifespan on to *app*, and closes the sink before the server hears that the application has ended."""

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]], ways: Ways) -> None:
        self._app = app
        self._ways = ways

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_answered = took_it_for_a_request = False

        async def send_on(message: Any) -> None:
            nonlocal has_answered, took_it_for_a_request
            if not message["type"].startswith("lifespan."):
                took_it_for_a_request = True
                raise ValueError(f"{message['type']} is no answer to a lifespan")
            has_answered = True
            if message["type"] in _ENDS:
                await self._close()
            await send(message)

        refusal: Exception | None = None
        try:
            await self._app(scope, receive, send_on)
        except Exception as raised:
            if has_answered:
                raise
            refusal = raised
        if not has_answered:
            await self._answer(receive, send, None if took_it_for_a_request else refusal)

    async def _answer(self, receive: Receive, send: Send, refusal: Exception | None) -> None:
        """Speak for an application that has refused the scope with *refusal*, or has no answer to it."""
        try:
            message = await asyncio.wait_for(receive(), _FIRST_MESSAGE_TIMEOUT)
        except TimeoutError:  # the application has taken the message
            if refusal is not None:  # and then it failed: that is for the server
                raise refusal from None
            message = {"type": "lifespan.startup"}
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
            message = await receive()
        if message["type"] == "lifespan.shutdown":
            await self._close()
            await send({"type": "lifespan.shutdown.complete"})

    async def _close(self) -> None:
        """Close the sink. What fails in that is logged: the host ends all the same."""
        try:
            await self._ways.close(_CLOSE_TIMEOUT)
        except Exception:
            logger.exception("the sink could not be closed")
