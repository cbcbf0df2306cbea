"""A proxy before a database that takes no more than so many bytes at once, and does not say so beforehand."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

#: What ProxySQL answers (ER_NET_PACKET_TOO_LARGE) as the first packet after a statement, before it hangs up.
TOLD = b"Got a packet bigger than 'max_allowed_packet' bytes"
_ERROR = b"\xff" + (1153).to_bytes(2, "little") + b"#08S01" + TOLD
PACKET_TOO_LARGE = len(_ERROR).to_bytes(3, "little") + b"\x01" + _ERROR


class PacketLimit:
    """Ends each connection on which a client sends more than *most* bytes before the server answers.

    :param server: the server's port.
    :param last_words: what the client is sent before.
    :ivar cut: how many connections were ended.
    """

    def __init__(self, server: int, most: int, last_words: bytes = b"") -> None:
        self.cut = 0
        self._server = server
        self._most = most
        self._last_words = last_words

    @contextmanager
    def running(self) -> Iterator[int]:
        """Run the proxy within the block, which gets its port."""
        with ExitStack() as sockets, socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=self._accept, args=[listener, sockets])
            thread.start()
            try:
                yield listener.getsockname()[1]
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join(30)
                assert not thread.is_alive()

    def _accept(self, listener: socket.socket, sockets: ExitStack) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._server))
            except OSError:  # it is down
                near.close()
            else:
                _Relay(self, near, far).start(sockets)

    def refuse(self, near: socket.socket) -> None:
        """Say the last words to a client that has sent too much."""
        self.cut += 1
        with suppress(OSError):
            near.sendall(self._last_words)

    def is_too_much(self, size: int) -> bool:
        """Return True if the client is not to send so many bytes at once."""
        return size > self._most


class _Relay:
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(self, limit: PacketLimit, near: socket.socket, far: socket.socket) -> None:
        self._limit = limit
        self._near = near
        self._far = far
        self._unanswered = 0

    def start(self, sockets: ExitStack) -> None:
        """Relay both ways, until *sockets* are closed at the latest."""
        for way in (self._to_server, self._to_client):
            thread = threading.Thread(target=self._run, args=[way])
            thread.start()
            sockets.callback(thread.join, 30)
        sockets.callback(self._end)

    def _run(self, way: object) -> None:
        with suppress(OSError):
            assert callable(way)
            way()
        self._end()

    def _to_server(self) -> None:
        while data := self._near.recv(65536):
            self._unanswered += len(data)
            if self._limit.is_too_much(self._unanswered):
                self._limit.refuse(self._near)
                return
            self._far.sendall(data)

    def _to_client(self) -> None:
        while data := self._far.recv(65536):
            self._unanswered = 0
            self._near.sendall(data)

    def _end(self) -> None:
        for each in (self._near, self._far):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
