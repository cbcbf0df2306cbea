"""Connections to Redis on which all that a call waits for has one deadline: connecting, login and every answer.

redis-py gives each wait of a socket the same time. A server that sends a byte now
and then, a batch whose every answer is slow, or a cluster whose nodes hang one
after the other would keep a call waiting for many times as long. So the seconds
that a call has become a deadline here, and each wait gets the time that remains.
"""

from __future__ import annotations

import math
import socket
from contextvars import ContextVar
from time import monotonic
from typing import Any

from redis.backoff import NoBackoff
from redis.connection import (
    AbstractConnection,
    Connection,
    ConnectionPool,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.retry import Retry

_LEAST = 0.001  # seconds; with 0, a socket would not wait at all, and say so in other words
_TOO_LONG = "the call took too long"

# The end, on the monotonic clock, and the seconds for each wait. Threads and greenlets have a context each, also where
# gevent patched after this module was imported.
_limits: ContextVar[tuple[float, float]] = ContextVar("_limits", default=(math.inf, math.inf))


class within:  # noqa: N801  # is used as a function is; as a generator, it would take three times as long
    """Let what the connections wait for in the ``with`` block end in time. The time around the block holds, too.

    :param seconds: for all of it. Only the time that the system takes to look up a name is not bounded.
    :param each: seconds for each wait.
    """

    __slots__ = ("_each", "_seconds", "_token")

    def __init__(self, seconds: float, *, each: float = math.inf) -> None:
        self._seconds = seconds
        self._each = each

    def __enter__(self) -> None:
        end, each = _limits.get()
        self._token = _limits.set((min(end, monotonic() + self._seconds), min(each, self._each)))

    def __exit__(self, *_: object) -> None:
        _limits.reset(self._token)


def _remaining(longest: float) -> float:
    """Return the seconds for the next wait, of which *longest* is the most; zero or less if the deadline has come."""
    end, each = _limits.get()
    seconds = end - monotonic()
    if seconds > longest:
        seconds = longest
    return each if seconds > each else seconds


def _check_time() -> None:
    if _remaining(math.inf) <= 0:
        raise TimeoutError(_TOO_LONG)


class _DeadlineSocket:
    """A connected socket whose every wait ends by the deadline.

    :param longest: seconds for a wait, however much time remains.
    """

    def __init__(self, sock: socket.socket, longest: float) -> None:
        self._sock = sock
        self._receive = sock.recv
        self._send = sock.send
        self._longest = longest
        self._waits = True
        self._set = -math.inf  # the socket's own timeout; less than any while it does not wait

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def settimeout(self, seconds: float | None) -> None:
        """Wait as long as the deadline allows; with 0, do not wait."""
        self._waits = seconds != 0
        if not self._waits:
            self._set = -math.inf
            self._sock.settimeout(0)

    def recv(self, size: int, flags: int = 0) -> bytes:
        if self._waits:
            self._bound()
        return self._receive(size, flags)

    def recv_into(self, buffer: Any) -> int:
        if self._waits:
            self._bound()
        return self._sock.recv_into(buffer)

    def sendall(self, data: Any) -> None:
        # The one of a socket with TLS gives each part the whole time.
        self._bound()
        sent = self._send(data)
        while sent < len(data):
            self._bound()
            sent += self._send(memoryview(data)[sent:])

    def _bound(self) -> None:
        seconds = _remaining(self._longest)
        if seconds <= 0:
            raise TimeoutError(_TOO_LONG)
        if not -_LEAST < seconds - self._set < _LEAST:  # setting it is a system call
            self._set = seconds
            self._sock.settimeout(seconds)


class _BoundedConnection(AbstractConnection):
    """Sends nothing twice, too: not a transaction again that the server may have stored."""

    def __init__(
        self, *, socket_timeout: float | None = None, socket_connect_timeout: float | None = None, **options: Any
    ) -> None:
        self._longest = math.inf if socket_timeout is None else socket_timeout
        self._longest_connect = self._longest if socket_connect_timeout is None else socket_connect_timeout
        options |= {"socket_timeout": socket_timeout, "socket_connect_timeout": socket_connect_timeout}
        super().__init__(**options | {"retry": Retry(NoBackoff(), 0)})

    @property
    def socket_timeout(self) -> float:
        """What redis-py gives the socket for the handshake of TLS."""
        return max(_LEAST, _remaining(self._longest))

    @socket_timeout.setter
    def socket_timeout(self, value: float | None) -> None:
        """Keep what the connection was made with."""

    @property
    def socket_connect_timeout(self) -> float:
        """What redis-py gives the socket for connecting to an address."""
        return max(_LEAST, _remaining(self._longest_connect))

    @socket_connect_timeout.setter
    def socket_connect_timeout(self, value: float | None) -> None:
        """Keep what the connection was made with."""

    def _connect(self) -> Any:
        _check_time()  # before a name is looked up
        sock = super()._connect()  # type: ignore[no-untyped-call,safe-super]  # redis-py leaves it untyped
        return _DeadlineSocket(sock, self._longest)


class _BoundedTCP(_BoundedConnection, Connection):
    pass


class _BoundedTLS(_BoundedConnection, SSLConnection):
    pass


class _BoundedUnix(_BoundedConnection, UnixDomainSocketConnection):
    pass


_BOUNDED = {SSLConnection: _BoundedTLS, UnixDomainSocketConnection: _BoundedUnix}


class BoundedConnectionPool(ConnectionPool):
    """A pool of connections on which :func:`within` bounds what a call waits for.

    :param connection_class: redis-py's, as it takes it from a URL.
    """

    def __init__(self, connection_class: Any = Connection, **options: Any) -> None:
        super().__init__(connection_class=_BOUNDED.get(connection_class, _BoundedTCP), **options)
