"""The connections that an SQLite sink opens in this process, to look at, to limit, and to keep busy."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.sinks import SQLite
from tests.support.processes import event, wait_until


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The connections that this process opens during the test, in order; a sink opens its first when it is entered."""
    connect = sqlite3.connect
    opened: list[sqlite3.Connection] = []

    def keep(*args: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", keep)
    return opened


@contextmanager
def busy(sink: SQLite, connection: sqlite3.Connection) -> Iterator[None]:
    """Another thread stores the event "busy", and is within its INSERT as long as the block lasts.

    :param connection: the sink's own, which no thread uses yet.
    """
    inside, leave = threading.Event(), threading.Event()

    def linger() -> int:
        inside.set()
        leave.wait(20)
        leave.set()  # SQLite asks again and again; a test that has failed must not wait each time
        return 0  # SQLite goes on

    connection.set_progress_handler(linger, 1)
    thread = threading.Thread(target=sink, args=[event("busy")])
    thread.start()
    try:
        assert inside.wait(20)
        yield
    finally:
        leave.set()
        thread.join(20)
        # The handler stays. To remove it while a thread is within SQLite would be a deadlock: that thread has the
        # connection's mutex, and waits for the interpreter to call the handler.


def refuse(path: Path, name: str, how: str = "ABORT") -> None:
    """Let the database refuse events of this name, as a user's own constraint would."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            f"CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.event = '{name}' "
            f"BEGIN SELECT RAISE({how}, 'no {name}'); END"
        )


def store_at_once(
    sink: SQLite, connection: sqlite3.Connection, events: list[Event], call: Callable[[Event], object] | None = None
) -> list[Exception | None]:
    """Call the sink, or *call*, with each event in its own thread while the sink is busy; return what each raised.

    So all of these events are in one batch, after the event that the sink was busy with.
    """
    errors: list[Exception | None] = [None] * len(events)

    def store(place: int) -> None:
        try:
            (call or sink)(events[place])
        except Exception as error:
            errors[place] = error

    threads = [threading.Thread(target=store, args=(place,)) for place in range(len(events))]
    with busy(sink, connection):
        for place, thread in enumerate(threads):
            thread.start()
            wait_until(lambda: sink.waiting > place)  # noqa: B023 - it is waited for at once
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    return errors
