"""What may stand before a data plane: gateways that forget connections, and proxies that take small requests only."""

from __future__ import annotations

import socket
import struct
from http.server import BaseHTTPRequestHandler

Request = BaseHTTPRequestHandler


class Forgetful:
    """Resets a connection once another request comes on it, as a gateway that has forgotten it."""

    def __init__(self) -> None:
        self._known: set[Request] = set()  # one handler for each connection

    def __call__(self, request: Request) -> bool:
        if request in self._known:
            reset(request)
            return True
        self._known.add(request)
        return False


class Sulking:
    """Answers 413 to a request with a body of more than *most_bytes*, and resets the connection once another comes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._refused: set[Request] = set()

    def __call__(self, request: Request) -> bool:
        if request in self._refused:
            reset(request)
            return True
        if (size := int(request.headers["Content-Length"])) <= self._most_bytes:
            return False
        self._refused.add(request)
        request.rfile.read(size)
        request.send_response(413)
        request.send_header("Content-Length", "0")
        request.end_headers()
        return True


class Small:
    """Answers 413 to a request with a body of more than *most_bytes*, reads no more, and closes the connection.

    :param says_so: False if the client does not see that answer.
    """

    def __init__(self, most_bytes: int, *, says_so: bool) -> None:
        self._most_bytes = most_bytes
        self._says_so = says_so

    def __call__(self, request: Request) -> bool:
        if int(request.headers["Content-Length"]) <= self._most_bytes:
            return False
        if self._says_so:
            request.send_response(413)
            request.send_header("Content-Length", "0")
            request.end_headers()
            request.close_connection = True
        else:
            reset(request)
        return True


def reset(request: Request) -> None:
    """Abort the connection of *request*."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.close_connection = True
    request.connection.close()
