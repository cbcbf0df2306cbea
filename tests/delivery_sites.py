"""The application behind servers that are stopped, and clients that note which of their events it has accepted."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from processes import stored, wait_until
from servers import Server, exchange, request, started

from pixelmw import Event
from pixelmw.delivery import Spool

#: How many events are accepted before a server is stopped.
ENOUGH = 3000 if os.environ.get("PIXELMW_TEST_SCALE") == "full" else 200


class Load:
    """Clients that send events, each with an id of its own, and note those that were answered 200."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.acknowledged: list[str] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=[client]) for client in range(4)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(30)

    def _send(self, client: int) -> None:
        numbers = itertools.count()
        while not self._ended.is_set():
            name = f"{client}-{next(numbers)}"
            query = f"writeKey=k&anonymousId=a&event=e&messageId={name}"
            answer = b""
            with suppress(OSError):  # it has ended, or one of its processes
                answer = exchange(self._port, request("GET", f"/pixel/v1/track?{query}"))
            if answer.split(b" ", 2)[1:2] == [b"200"]:
                self.acknowledged.append(name)
            else:
                self._ended.wait(0.01)


class Site:
    """Where the application under test has its events."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.spool = directory / "spool"
        self.output = directory / "output.jsonl"

    @contextmanager
    def under(self, server: str, wrapper: str, *options: str, **environ: str) -> Iterator[Server]:
        """Run the application with *wrapper* under *server*."""
        places = {"PIXELMW_TEST_DIRECTORY": str(self.spool), "PIXELMW_TEST_OUTPUT": str(self.output)}
        environ = {**places, "PIXELMW_TEST_WRAPPER": wrapper, **environ}
        with started(server, "delivery_server_app:application", self.directory, *options, **environ) as running:
            yield running

    def arrived(self) -> list[str]:
        """The ids of what the sink has got."""
        return stored(self.output) if self.output.exists() else []

    def drained(self) -> list[str]:
        """The ids of what is still in the spool."""
        left: list[Event] = []
        with Spool(self.spool, left.append) as spool:
            assert spool.flush(30)
        return [event["messageId"] for event in left]

    def wait_for_a_backlog(self, load: Load, enough: int = ENOUGH, least: int = 20) -> None:
        """Wait until enough was accepted, and at least so much of it waits for the sink."""
        wait_until(lambda: len(load.acknowledged) >= enough, 120)
        wait_until(lambda: len(load.acknowledged) - len(self.arrived()) > least)
