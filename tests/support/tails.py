"""A running ``tail``, the stores that it follows, and the events in them."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pixelmw import Event
from pixelmw.sinks import JSONLines, SQLite
from tests.support.command_line import TIMEOUT, started

#: Each kind of store, by the name of its file.
STORES: dict[str, Callable[[Path], SQLite | JSONLines]] = {
    "events.db": SQLite,
    "events.jsonl": lambda path: JSONLines(path, sync=False),
}


def event(name: str, **fields: object) -> Event:
    """An event of this name."""
    return {
        "type": "track",
        "event": name,
        "messageId": f"id-{name}",
        "userId": "42",
        "receivedAt": "2026-11-23T12:34:56.789Z",
        **fields,
    }


class Tail:
    """A running ``tail``, whose lines are read as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def line(self, timeout: float = TIMEOUT) -> str:
        """The next line; raises ``queue.Empty`` if none comes in time."""
        return self._lines.get(timeout=timeout)

    def error_line(self) -> str:
        """The next line on standard error."""
        assert self.process.stderr is not None
        return self.process.stderr.readline()

    def name(self) -> str:
        """The name of the next event."""
        return str(json.loads(self.line())["event"])

    def names(self, count: int) -> list[str]:
        """The names of the next events."""
        return [self.name() for _ in range(count)]

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """Stop it; returns its exit code and what it said on standard error."""
        assert self.process.stderr is not None
        self.process.send_signal(number)
        code = self.process.wait(TIMEOUT)
        return code, self.process.stderr.read()


@contextmanager
def tailing(path: Path, *options: str) -> Iterator[Tail]:
    """``tail`` of the store at *path*, in a process of its own."""
    with started(path.parent, "tail", path.name, *options) as process:
        yield Tail(process)


def store(path: Path, *names: str) -> None:
    """Store events of these names, as another process does it."""
    sink = STORES[path.name](path)
    for name in names:
        sink(event(name))
    sink.close()
