"""Clients that send pixels to a server as fast as it answers, and note what it said."""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress

from tests.support.processes import wait_until
from tests.support.servers import send


class Load:
    """Threads that send events, each with an id of its own, to whatever listens, until the block ends.

    :param path: where the pixel is.
    :param pause: seconds that each waits before its next one.
    :param prefix: what each id begins with.
    :ivar port: where to send to; 0 is nowhere.
    :ivar offered: the ids that were sent.
    :ivar acknowledged: those answered 200.
    :ivar refused: those answered otherwise; the others met a connection that broke.
    """

    def __init__(
        self, port: int = 0, *, clients: int, path: str = "/pixel/v1/track", pause: float = 0.0, prefix: str = ""
    ) -> None:
        self.port = port
        self._path = path
        self._pause = pause
        self._prefix = prefix
        self.offered: list[str] = []
        self.acknowledged: list[str] = []
        self.refused: list[str] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=[client]) for client in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(30)
        assert not any(thread.is_alive() for thread in self._threads)  # or it would note more behind the test's back

    def _send(self, client: int) -> None:
        for number in itertools.count():
            while not self.port and not self._ended.wait(0.002):
                pass
            if self._ended.is_set():
                return
            name = f"{self._prefix}{client}-{number}"
            self.offered.append(name)
            query = f"writeKey=k&anonymousId={client}&event=e&messageId={name}"
            with suppress(OSError, AssertionError):  # the server ended, or one of its processes, before it answered
                answer = send(self.port, "GET", f"{self._path}?{query}")
                (self.acknowledged if answer.status == 200 else self.refused).append(name)
                self._ended.wait(self._pause)
                continue
            self._ended.wait(0.01)

    def wait_for(self, more: int, timeout: float = 60.0) -> None:
        """Wait until so many more are acknowledged."""
        enough = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= enough, timeout)
