"""A proxy that breaks connections at a point of the test's choice."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Proxy:
    """Stands between client and server, and cuts each connection at some point of what the client sends.

    :param server: the server's port.
    :param cut: gets everything that the client has sent so far, and returns True to cut the connection there.
    :param arrives: True if the server still gets the last of it; its answer is lost in any case.
    """

    def __init__(self, server: int, cut: Callable[[bytes], bool], *, arrives: bool) -> None:
        self.connections = 0
        self._server = server
        self._cut = cut
        self._arrives = arrives
        self._closing = False

    @contextmanager
    def running(self) -> Iterator[int]:
        """Run the proxy within the block, which gets its port."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            thread = threading.Thread(target=self._serve, args=[listener])
            thread.start()
            try:
                yield port
            finally:
                self._closing = True
                socket.create_connection(("127.0.0.1", port)).close()
                thread.join()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            near, _ = listener.accept()
            with near, socket.create_connection(("127.0.0.1", self._server)) as far:
                if self._closing:
                    return
                self.connections += 1
                self._relay(near, far)

    def _relay(self, near: socket.socket, far: socket.socket) -> None:
        sent = b""
        for _ in range(10_000):
            readable, _, _ = select.select([near, far], [], [], 20)
            if far in readable:
                near.sendall(far.recv(65536))
            if near in readable:
                data = near.recv(65536)
                sent += data
                cut = self._cut(sent)
                if self._arrives or not cut:
                    far.sendall(data)
                if cut or not data:
                    return
