"""The application behind servers that are stopped, and clients that note which of their events it has accepted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixelmw import Event
from pixelmw.delivery import Spool
from tests.support.loads import Load
from tests.support.processes import stored, wait_until
from tests.support.servers import Server, started
from tests.support.spools import scale

#: How many events are accepted before a server is stopped.
ENOUGH = scale(200, 3000)


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
        with started(
            server, "tests.support.delivery_server_app:application", self.directory, *options, **environ
        ) as running:
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
