"""HTTP connections on which a whole answer has one deadline.

In Python, a socket's timeout bounds each read. A server that sends a byte now and
then would keep a request waiting for ever. So the time that urllib3 sets for an
answer becomes a deadline here, and each read gets the time that remains.
"""

from __future__ import annotations

import http.client
import io
import math
import time
from socket import socket
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

_KEPT_CONNECTIONS = 64  # for the next request; if more threads send at once, they open more


class _DeadlineResponse(http.client.HTTPResponse):
    """An answer for which the socket's timeout bounds the whole of it, not each read."""

    def __init__(self, sock: socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_DeadlineReader(sock, self.fp.detach()))


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock: socket, raw: io.RawIOBase) -> None:
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
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineHTTPConnection(HTTPConnection):
    response_class = _DeadlineResponse


class _DeadlineHTTPSConnection(HTTPSConnection):
    response_class = _DeadlineResponse


def make_pool(url: urllib3.util.Url) -> urllib3.HTTPConnectionPool:
    """Return a pool of connections to the host of *url*."""
    pool = urllib3.connection_from_url(url.url, maxsize=_KEPT_CONNECTIONS)
    pool.ConnectionCls = _DeadlineHTTPSConnection if url.scheme == "https" else _DeadlineHTTPConnection
    return pool
