"""A proxy that is slow: each wait for it is short, and all of them together are long."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

Split = Callable[[bytes], list[bytes]]


def into_bytes(data: bytes) -> list[bytes]:
    """Split *data* into its bytes."""
    return [data[place : place + 1] for place in range(len(data))]


def into_lines(data: bytes) -> list[bytes]:
    """Split *data* into its lines: an answer of Redis has one or several."""
    return data.splitlines(keepends=True)


class SlowProxy:
    """Stands between clients and a server on loopback.

    :param server: the server's port.
    :param pause: seconds before each part of an answer, and before each time it reads, while it is slow.
    :ivar split: cuts what the server says into these parts; None while the answers are not slow.
    :ivar reads_slowly: True to take what clients send in parts, 64 KiB each.
    :ivar connections: how many it has had.
    """

    def __init__(self, server: int, pause: float) -> None:
        self.split: Split | None = None
        self.reads_slowly = False
        self.connections = 0
        self._server = server
        self._pause = pause
        self._over = threading.Event()

    @contextmanager
    def running(self, *, path: Path | None = None, certificate: Path | None = None) -> Iterator[int]:
        """Run the proxy within the block, which gets its port.

        :param path: of a Unix socket, to listen there; the port is 0.
        :param certificate: with its key, for TLS.
        """
        with ExitStack() as stack:
            if path is None:
                listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
                port: int = listener.getsockname()[1]
            else:
                listener, port = stack.enter_context(socket.socket(socket.AF_UNIX)), 0
                listener.bind(str(path))
                listener.listen()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # what is not read yet waits at the client
            listener.settimeout(0.05)  # seconds until it sees that it is over
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            if certificate is not None:
                context.load_cert_chain(certificate)
            thread = threading.Thread(target=self._accept, args=[listener, context if certificate else None])
            thread.start()
            try:
                yield port
            finally:
                self._over.set()
                thread.join()

    def _accept(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        threads = []
        while not self._over.is_set():
            with suppress(TimeoutError):
                near, _ = listener.accept()
                near.settimeout(None)
                self.connections += 1
                threads.append(threading.Thread(target=self._relay, args=[near, context]))
                threads[-1].start()
        for thread in threads:
            thread.join()

    def _relay(self, plain: socket.socket, context: ssl.SSLContext | None) -> None:
        with ExitStack() as stack, suppress(OSError):  # a client that gives up breaks its connection
            near = stack.enter_context(plain if context is None else context.wrap_socket(plain, server_side=True))
            far = stack.enter_context(socket.create_connection(("127.0.0.1", self._server)))
            while not self._over.is_set():
                readable, _, _ = select.select([near, far], [], [], 0.05)
                if far in readable:
                    self._answer(near, far.recv(65536))
                if near in readable:
                    if self.reads_slowly:
                        self._over.wait(self._pause)
                    data = near.recv(65536)
                    while isinstance(near, ssl.SSLSocket) and near.pending():
                        data += near.recv(65536)
                    if not data:
                        return
                    far.sendall(data)

    def _answer(self, near: socket.socket, data: bytes) -> None:
        for part in [data] if self.split is None else self.split(data):
            if self.split is not None:
                self._over.wait(self._pause)
            near.sendall(part)
