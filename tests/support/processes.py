"""What the tests of the sinks share: events, processes that store some, and what is stored."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from pixelmw import Event
from tests.support.measured import measured_environment

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


def event(message_id: str, size: int = 0) -> Event:
    """A small event, or one with about *size* bytes."""
    return {"messageId": message_id, "type": "track", "event": "e", "properties": {"text": "x" * size}}


def lines(path: Path) -> list[Any]:
    """What the lines of a file are as JSON; each has to be."""
    data = path.read_bytes()
    assert data == b"" or data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def rows(path: Path, select: str = "SELECT message_id FROM events ORDER BY rowid") -> list[Any]:
    """What a query gives on a connection of its own; of one column, the values."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = connection.execute(select).fetchall()
    return [row[0] for row in found] if found and len(found[0]) == 1 else found


def stored(path: Path) -> list[str]:
    """The ids of the events in a file, a database or one of lines."""
    return rows(path) if path.suffix == ".db" else [line["messageId"] for line in lines(path)]


def wait_until(condition: Callable[[], object], timeout: float = 20.0) -> None:
    """Wait for *condition* to be true, and fail after *timeout* seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def start(
    script: str, *args: object, under: Iterable[str] = (), variables: Mapping[str, str] = NO_VARIABLES
) -> subprocess.Popen[str]:
    """Start a Python script that finds what this process can import, with a pipe at each end."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [*under, sys.executable, "-c", script, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environ, **variables},
        start_new_session=True,
    )


def out(process: subprocess.Popen[str]) -> IO[str]:
    """The pipe to which a process prints."""
    assert process.stdout is not None
    return process.stdout


def into(process: subprocess.Popen[str]) -> IO[str]:
    """The pipe from which a process reads."""
    assert process.stdin is not None
    return process.stdin


def finish(process: subprocess.Popen[str], timeout: float = 40.0) -> list[str]:
    """Wait for a script to end well, and return the lines that it printed."""
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # its children, too, hold the pipes open
        output, errors = process.communicate()
        raise AssertionError(f"the process hung; it wrote {output[-500:]!r} and {errors[-2000:]!r}") from None
    assert process.returncode == 0, errors
    return output.split()


def run(script: str, *args: object, under: Iterable[str] = ()) -> list[str]:
    """Run a Python script to its end, and return the lines that it printed."""
    return finish(start(script, *args, under=under))


def run_measured(script: str, *args: object) -> list[str]:
    """Do as :func:`run` does, and measure the coverage of the script where that of the tests is measured."""
    return finish(start(script, *args, variables=measured_environment()))


def store_from_threads(sink: Callable[[Event], object]) -> list[str]:
    """Store 25 events from each of 16 threads at once; returns their ids, sorted."""

    def store(thread: int) -> None:
        for number in range(25):
            sink(event(f"{thread}-{number}"))

    threads = [threading.Thread(target=store, args=[thread]) for thread in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sorted(f"{thread}-{number}" for thread in range(16) for number in range(25))


def store_while_closing(sink: Any) -> list[str]:
    """What :func:`store_from_threads` does, while another thread closes the sink again and again."""
    done = threading.Event()

    def close() -> None:
        for _ in range(8):
            sink.close()
            done.wait(0.02)

    closing = threading.Thread(target=close)
    closing.start()
    expected = store_from_threads(sink)
    done.set()
    closing.join()
    sink.close()
    return expected


def found(path: Path) -> list[str]:
    """Return the ids of the whole events in a file. Between lines of JSON, there may be a part of a line."""
    if path.suffix == ".db":
        return rows(path)
    ids = []
    for line in path.read_bytes().splitlines():
        try:
            ids.append(json.loads(line)["messageId"])
        except ValueError:
            continue
    return ids
