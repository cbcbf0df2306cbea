"""The producers of one process: who writes takes one and gives it back; what an idle one has to say is fetched."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ...system.logs import LogThrottle
from .client import KafkaClient
from .library_log import LibraryLog

# Seconds between two looks at idle producers. While the brokers are away, librdkafka puts ten lines and errors a second
# into a queue that has no bound, and only a poll takes them out.
_INTERVAL = 2.0
_PAUSE = 0.001  # seconds between two looks at producers that end


class Producers:
    """Keeps producers that were made with the same properties.

    :param properties: librdkafka's properties.
    :param words: where what librdkafka says goes.
    """

    def __init__(self, properties: Mapping[str, Any], words: LibraryLog) -> None:
        self._properties = {**properties, "logger": words}
        self._words = words
        self._throttle = LogThrottle()
        # Weak: what a thread had that was interrupted while it took one ends with that thread.
        self._all: list[weakref.ref[KafkaClient]] = []
        self._free: deque[KafkaClient] = deque()
        self._closed = threading.Event()
        self._tender: threading.Thread | None = None

    @contextmanager
    def one(self) -> Iterator[KafkaClient]:
        """Lend a producer that nobody else uses meanwhile. One that is spent is not lent again.

        :raises Unavailable: if none can be made at the moment.
        """
        try:
            client = self._free.pop()
        except IndexError:
            client = self._make()
        try:
            yield client
        finally:
            if client.is_spent or self._closed.is_set():
                client.retire()
            else:
                self._free.append(client)
            self._words.pass_on()

    def flush(self, deadline: float) -> bool:
        """Wait until the queues are empty; return True if they are at *deadline* at the latest."""
        return all(client.flush(deadline) for client in self._alive())

    def close(self, deadline: float) -> None:
        """Let each producer that nobody uses end, and wait for that until *deadline*; others end once they are free."""
        self._closed.set()
        clients = []
        with suppress(IndexError):
            while True:
                clients.append(self._free.pop())
        for client in clients:
            client.retire()
        while not all(client.has_ended for client in clients) and time.monotonic() < deadline:
            time.sleep(_PAUSE)

    def fetch_words(self) -> None:
        """Take out of the queue of each idle producer what librdkafka has to say."""
        for client in self._alive():
            if not client.is_sending:
                client.serve()
        self._words.pass_on()

    def _alive(self) -> list[KafkaClient]:
        return [client for reference in list(self._all) if (client := reference()) is not None]

    def _make(self) -> KafkaClient:
        client = KafkaClient(self._properties, self._throttle)
        for reference in list(self._all):
            if reference() is None:
                with suppress(ValueError):  # another thread was faster
                    self._all.remove(reference)
        self._all.append(weakref.ref(client))
        if self._tender is None:
            self._tender = threading.Thread(
                target=_tend, args=(weakref.ref(self), self._closed), name="pixelmw-kafka", daemon=True
            )
            with suppress(RuntimeError):  # Python is ending, or there are too many threads; then the next write polls
                self._tender.start()
        return client


def _tend(producers: weakref.ref[Producers], closed: threading.Event) -> None:
    while not closed.wait(_INTERVAL) and (alive := producers()) is not None:
        alive.fetch_words()
        del alive
