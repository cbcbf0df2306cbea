"""A small data plane on loopback that takes batches, and misbehaves as a test tells it to."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pixelmw import Event
from pixelmw.sinks.http import HTTP
from tests.support.gateways import reset
from tests.support.processes import event, wait_until

KEY = "write-key-of-the-tests"

_AUTHORIZATION = f"Basic {b64encode(f'{KEY}:'.encode()).decode()}"
_DRIPS = 2000  # bytes of an answer that drips, one each 10 ms


class Answer(NamedTuple):
    """How a request is answered.

    The *manner* is "whole"; "close" (whole, then the connection is closed without a warning); "hang" (nothing);
    "reset" (nothing, the connection is aborted); "drip" (the body comes byte by byte, and never ends); "drip-head" (a
    header does); "stall" (only its first byte comes); "cut" (it ends early); "continue" (nothing but interim answers);
    "echo" (the body is what the request had, as JSON); or "raw" (the body alone, without HTTP).
    """

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b"OK"
    manner: str = "whole"


class Request(NamedTuple):
    """A request that a data plane got."""

    path: str
    headers: Mapping[str, str]
    size: int  # bytes of JSON
    payload: dict[str, Any]


class DataPlane(ThreadingHTTPServer):
    """Answers each request with the next answer of *script*; when that is empty, with 200.

    :ivar requests: all that came and could be read.
    :ivar refusal: how it answers a request with an event called "refused" in its batch, if not like any other.
    :ivar authorization: the header that it demands.
    :ivar on_refused: called for each request with another.
    :ivar stored: the events that were answered with 2xx.
    :ivar connections: how many were made.
    :ivar gateway: is asked first, with a request whose body has not been read; True if it has dealt with that.
    :ivar connected: those that still are.
    """

    request_queue_size = 64  # of connections that wait to be accepted; the default is 5

    def __init__(self, certificate: Path | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "http"
        if certificate is not None:
            self.scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handler does the handshake, in its thread.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.authorization = _AUTHORIZATION
        self.on_refused: Callable[[], object] = lambda: None
        self.script: list[Answer] = []
        self.refusal: Answer | None = None
        self.requests: list[Request] = []
        self.stored: list[Event] = []
        self.faults: list[BaseException | None] = []
        self.connections = 0
        self.gateway: Callable[[BaseHTTPRequestHandler], bool] = lambda request: False
        self.connected: set[socket.socket] = set()
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """The URL at which it listens."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Note an error of this server. A client that breaks its connection is not one."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.faults.append(error)

    def ids(self) -> list[str]:
        """Return the messageIds of the stored events."""
        return [event["messageId"] for event in self.stored]

    def hang_up(self) -> None:
        """Close all connections."""
        for connection in list(self.connected):
            with suppress(OSError):  # its handler or the client has closed it already
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Count a connection before its handler starts."""
        self.connections += 1
        self.connected.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, and forget it only then: a test may wait until the client cannot use it any more."""
        super().shutdown_request(request)
        self.connected.discard(request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: DataPlane

    def do_POST(self) -> None:
        if self.server.gateway(self):
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.script.pop(0) if self.server.script else Answer()
        if (refusal := self._refusal()) is not None:
            answer = refusal
        else:
            data = gzip.decompress(body)
            request = Request(self.path, dict(self.headers), len(data), json.loads(data))
            self.server.requests.append(request)
            if answer.manner == "echo":
                answer = answer._replace(body=data, manner="whole")
            if self.server.refusal and any(each["event"] == "refused" for each in request.payload["batch"]):
                answer = self.server.refusal
            if 200 <= answer.status < 300 and answer.manner not in ("hang", "reset", "continue", "drip-head"):
                self.server.stored.extend(request.payload["batch"])
        getattr(self, f"_{answer.manner}".replace("-", "_"))(answer)

    def _refusal(self) -> Answer | None:
        if self.headers["Authorization"] != self.server.authorization:
            self.server.on_refused()
            return Answer(401, body=f"no such key: {self.headers['Authorization']}".encode())
        if (self.headers["Content-Encoding"], self.headers["Content-Type"]) != ("gzip", "application/json"):
            return Answer(415, body=b"not JSON in gzip")
        return None

    def _head(self, answer: Answer, length: int) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Length", str(length))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _whole(self, answer: Answer) -> None:
        self._head(answer, len(answer.body))
        self.wfile.write(answer.body)

    def _raw(self, answer: Answer) -> None:
        self.wfile.write(answer.body)
        self.close_connection = True

    def _close(self, answer: Answer) -> None:
        self._whole(answer)
        self.close_connection = True

    def _cut(self, answer: Answer) -> None:
        self._head(answer, len(answer.body) + 1000)
        self.wfile.write(answer.body)
        self.close_connection = True

    def _hang(self, answer: Answer) -> None:
        self.server.over.wait(_DRIPS / 100)
        self.close_connection = True

    def _reset(self, answer: Answer) -> None:
        reset(self)

    def _drip(self, answer: Answer) -> None:
        self._head(answer, _DRIPS)
        self._write_slowly(b"x")

    def _stall(self, answer: Answer) -> None:
        self._head(answer, _DRIPS)
        self.wfile.write(b"x")
        self._hang(answer)

    def _drip_head(self, answer: Answer) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        self._write_slowly(b"x")

    def _continue(self, answer: Answer) -> None:
        self._write_slowly(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _write_slowly(self, part: bytes) -> None:
        self.close_connection = True
        with suppress(OSError):
            for _ in range(_DRIPS):
                if self.server.over.wait(0.01):
                    break
                self.wfile.write(part)

    def log_message(self, *args: object) -> None:
        """Keep the output of the tests clean."""


@contextmanager
def data_plane(certificate: Path | None = None) -> Iterator[DataPlane]:
    """Run a data plane in this process, with a certificate for TLS."""
    with DataPlane(certificate) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join(20)
            server.hang_up()
            wait_until(lambda: not server.connected)  # a handler that still runs could note another error
        assert not server.faults


@pytest.fixture
def server() -> Iterator[DataPlane]:
    """A data plane that takes everything, unless its script says otherwise."""
    with data_plane() as running:
        yield running


@pytest.fixture
def sink(server: DataPlane) -> Iterator[HTTP]:
    """A sink that posts to it."""
    with HTTP(server.url, KEY) as open_sink:
        yield open_sink


def works_again(server: DataPlane, sink: HTTP) -> bool:
    """Return True if *sink* stores an event."""
    sink(event("afterwards"))
    return server.ids()[-1] == "afterwards"
