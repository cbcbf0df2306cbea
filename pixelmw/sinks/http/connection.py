"""HTTP connections on which everything has one deadline: all addresses, the proxy, the handshake and the whole answer.

In Python, a socket's timeout bounds each wait. A name with six addresses that
swallow what is sent to them would take six times as long, and a server that
sends a byte now and then would keep a request waiting for ever. So the seconds
that a request has become a deadline here, and each wait gets the time that remains.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
import sys
import time
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from .proxies import proxy_authorization

_KEPT_CONNECTIONS = 64  # for the next request; if more threads send at once, they open more
#: Seconds without a request after which a connection is not used again. Load balancers and NAT gateways forget one
#: after 60 s or more, and some do not say so: the next request would be lost.
MAX_IDLE = 30.0
#: Seconds after which a connection is made anew: the name may have another address by then.
MAX_AGE = 300.0
_LEAST = 0.001  # seconds; with 0, a socket would not wait at all, and say so in other words


class Deadline(urllib3.Timeout):
    """What urllib3 takes for a timeout: the time that remains for a request, from now on.

    :param seconds: how long the request may take, from connecting to the end of the answer.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(total=seconds)
        self._end = time.monotonic() + seconds

    def clone(self) -> Deadline:
        """Return the same: urllib3 takes a clone for each part of a request."""
        return self

    @property
    def connect_timeout(self) -> float:
        """The seconds that remain."""
        return max(_LEAST, self._end - time.monotonic())

    @property
    def read_timeout(self) -> float:
        """The seconds that remain."""
        return max(0.0, self._end - time.monotonic())


class _DeadlineResponse(http.client.HTTPResponse):
    """An answer for which the socket's timeout bounds the whole of it, not each read."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_DeadlineReader(sock, self.fp.detach()))


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw
        timeout = sock.gettimeout()
        self._deadline = math.inf if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(remaining)
        count = self._raw.readinto(buffer)
        # After the answer of a proxy, the handshake goes on with what remains.
        self._sock.settimeout(max(_LEAST, self._deadline - time.monotonic()))
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class KeptConnection(HTTPConnection):
    """A connection that is not used again once it has been idle, or in use, for too long."""

    _connected = _used = -math.inf

    def connect(self) -> None:
        """Connect, and note when."""
        super().connect()
        self._connected = self._used = time.monotonic()

    def request(self, *args: Any, **options: Any) -> None:
        """Send a request, and note when."""
        super().request(*args, **options)
        self._used = time.monotonic()

    def use_no_more(self) -> None:
        """Have the pool connect again before the next request; the answer to the last one can still be read."""
        self._connected = -math.inf

    @property
    def is_connected(self) -> bool:
        """False if the pool is to connect again."""
        now = time.monotonic()
        return now - self._used < MAX_IDLE and now - self._connected < MAX_AGE and super().is_connected

    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _DeadlineHTTPConnection(KeptConnection):
    response_class = _DeadlineResponse


class _DeadlineHTTPSConnection(KeptConnection, HTTPSConnection):
    response_class = _DeadlineResponse


def _connect(connection: HTTPConnection) -> socket.socket:
    """Return a socket that is connected to one of the addresses of the host, and has the time that remains.

    Each address gets an equal share of the time, and what those before it left
    of theirs: one that swallows everything must not take the time of the others.
    """
    seconds = connection.timeout if isinstance(connection.timeout, int | float) else math.inf
    deadline = time.monotonic() + seconds
    try:
        # The time that the system takes for it cannot be bounded; its own limits hold.
        addresses = socket.getaddrinfo(connection.host, connection.port, 0, socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        if isinstance(error, UnicodeError):  # a label that no name has
            error = socket.gaierror(str(error))
        raise NameResolutionError(connection.host, connection, error) from None
    errors: list[OSError] = []
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        share = (deadline - time.monotonic()) / (len(addresses) - number)
        sock = socket.socket(family, kind, protocol)
        try:
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(max(_LEAST, share))
            sock.connect(address)
            sock.settimeout(max(_LEAST, deadline - time.monotonic()))
        except OSError as error:
            sock.close()
            errors.append(error)
            continue
        sys.audit("http.client.connect", connection, connection.host, connection.port)
        return sock
    if any(isinstance(error, TimeoutError) for error in errors):
        raise ConnectTimeoutError(
            connection, f"no connection to {connection.host} within {round(seconds, 1):g} seconds"
        )
    raise NewConnectionError(connection, f"no connection to {connection.host}: {errors[0] if errors else 'no address'}")


def make_pool(url: urllib3.util.Url, proxy: urllib3.util.Url | None) -> urllib3.HTTPConnectionPool:
    """Return a pool of connections to the host of *url*.

    :param proxy: what the connections go through; its user and password are for the proxy alone.
    """
    if proxy is None:
        pool = urllib3.connection_from_url(url.url, maxsize=_KEPT_CONNECTIONS)
    else:
        headers = {"Proxy-Authorization": proxy_authorization(proxy)} if proxy.auth else {}
        through = urllib3.ProxyManager(proxy._replace(auth=None).url, proxy_headers=headers, maxsize=_KEPT_CONNECTIONS)
        pool = through.connection_from_url(url.url)
    pool.ConnectionCls = _DeadlineHTTPSConnection if pool.scheme == "https" else _DeadlineHTTPConnection
    return pool
