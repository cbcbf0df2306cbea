"""The lifespan of the application: passed on, and answered where the application does not know of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from .environ import Scope
from .ways import Ways

# Seconds for a sink to send what it has, and for it to close. Servers end a worker after thirty or more.
_CLOSE_TIMEOUT = 10.0
# Seconds. If the application has not asked for the first message, it is there at once.
_FIRST_MESSAGE_TIMEOUT = 0.5
_ENDS = ("lifespan.shutdown.complete", "lifespan.shutdown.failed")

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Lifespan:
    """Passes the lifespan on to *app*, and closes the sink before the server hears that the application has ended.

    ======================================= ===================================================
    the application                         what happens
    ======================================= ===================================================
    says that it has shut down, or failed   the sink is closed, then the server hears it
    refuses the scope, or has no answer     its part is played here, and the sink is closed
    ends once it has started                the rest is played here, and the sink is closed
    ends after it was told to shut down     the sink is closed
    ======================================= ===================================================
    """

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]], ways: Ways) -> None:
        self._app = app
        self._ways = ways

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        life = _Life(receive, send, self._close)
        refusal: Exception | None = None
        try:
            await self._app(scope, life.receive, life.send)
        except Exception as raised:
            if life.last_sent is not None:
                await life.close()
                raise
            refusal = raised
        if life.last_sent is None:
            await self._answer(receive, send, None if life.was_taken_for_a_request else refusal)
        elif life.last_sent == "lifespan.startup.complete" and not life.is_to_end:
            await self._answer_shutdown(await receive(), send)
        else:
            await life.close()

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
        await self._answer_shutdown(message, send)

    async def _answer_shutdown(self, message: Any, send: Send) -> None:
        if message["type"] == "lifespan.shutdown":
            await self._close()
            await send({"type": "lifespan.shutdown.complete"})

    async def _close(self) -> None:
        await self._ways.close(_CLOSE_TIMEOUT)


class _Life:
    """What an application was told and has said in one lifespan.

    :param close: closes the sink.
    :ivar last_sent: the type of the last message of the application's, or ``None``.
    :ivar was_taken_for_a_request: True once it has sent what is no answer to a lifespan.
    :ivar is_to_end: True once it was told to shut down.
    """

    def __init__(self, receive: Receive, send: Send, close: Callable[[], Awaitable[None]]) -> None:
        self._receive, self._send, self._close = receive, send, close
        self._is_closed = False
        self.last_sent: str | None = None
        self.was_taken_for_a_request = False
        self.is_to_end = False

    async def receive(self) -> Any:
        """Pass a message on to the application."""
        message = await self._receive()
        self.is_to_end = message["type"] == "lifespan.shutdown"
        return message

    async def send(self, message: Any) -> None:
        """Pass a message of the application's on, once the sink is closed, if it says that the application has ended.

        :raises ValueError: if it is no answer to a lifespan.
        """
        if not message["type"].startswith("lifespan."):
            self.was_taken_for_a_request = True
            raise ValueError(f"{message['type']} is no answer to a lifespan")
        self.last_sent = message["type"]
        if self.last_sent in _ENDS:
            await self.close()
        await self._send(message)

    async def close(self) -> None:
        """Close the sink, once."""
        if not self._is_closed:
            self._is_closed = True
            await self._close()
