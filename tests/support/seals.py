"""What the tests of seals share: a second process that stores, a sink that is down, and what is in a directory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelmw import Event
from tests.support.processes import into, out, start
from tests.support.spools import THREADLESS

# Stores an event for each line, a directory and an id, and repeats the line once it is acknowledged.
_WRITER = (
    THREADLESS
    + """
from pixelmw.delivery import Spool
from tests.support.processes import event
spools = {}
for line in sys.stdin:
    path, name = line.split()
    spools.setdefault(path, Spool(path, print))(event(name))
    os.write(1, line.encode())
"""
)


class Writer:
    """A second process that stores events."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, directory: Path, name: str) -> None:
        """Have an event stored, without waiting for it."""
        into(self._process).write(f"{directory} {name}\n")
        into(self._process).flush()

    def wait(self) -> None:
        """Wait until an event that was asked for is acknowledged."""
        assert out(self._process).readline()

    def store(self, directory: Path, name: str) -> None:
        self.ask(directory, name)
        self.wait()


@pytest.fixture(scope="module")
def writer() -> Iterator[Writer]:
    process = start(_WRITER)
    yield Writer(process)
    assert process.communicate(timeout=20)[1] == ""


class Sink:
    """A sink that is down until it is told otherwise."""

    def __init__(self) -> None:
        self.is_down = True
        self.calls = 0
        self.ids: list[str] = []

    def __call__(self, event: Event) -> None:
        self.calls += 1
        if self.is_down:
            raise ConnectionError
        self.ids.append(event["messageId"])


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.segment"))
