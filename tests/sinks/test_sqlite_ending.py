"""Threads that end within a transaction, that wait too long, or that close the sink while another uses it."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from pixelmw.sinks import SQLite, Unavailable
from tests.support import connections as sqlite_connections
from tests.support import faults
from tests.support.connections import busy
from tests.support.processes import event, stored, wait_until
from tests.support.spools import descriptors

connections = sqlite_connections.connections


def test_a_signal_that_ends_the_thread_within_a_transaction_leaves_none_behind(
    tmp_path: Path, connections: list[sqlite3.Connection]
) -> None:
    """A server ends its worker between the BEGIN and the first INSERT."""
    path = tmp_path / "events.db"
    was_within: list[bool] = []

    def end(number: int, frame: FrameType | None) -> NoReturn:
        was_within.append(connections[-1].in_transaction)
        raise SystemExit

    with SQLite(path) as first:
        first(event("0"))
    before = signal.signal(signal.SIGUSR1, end)
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)) as other:
            while True not in was_within:  # it comes now and then while the sink waits for its turn
                assert len(was_within) < 100
                with SQLite(path, timeout=20) as sink:
                    connections[-1].setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 7)
                    interrupt_at_begin(connections[-1], other, lambda: sink.write([event("1"), event("2")]))
                    other.execute("BEGIN IMMEDIATE")
                    other.rollback()
                    sink(event(f"after-{len(was_within)}"))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert stored(path) == ["0", *(f"after-{number + 1}" for number in range(len(was_within)))]


def interrupt_at_begin(connection: sqlite3.Connection, other: sqlite3.Connection, write: Callable[[], None]) -> None:
    """End this thread's *write* by SIGUSR1, while its *connection* waits for a lock that the *other* gives back."""
    main = threading.get_ident()
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    other.execute("BEGIN IMMEDIATE")

    def interrupt() -> None:
        wait_until(lambda: statements)
        signal.pthread_kill(main, signal.SIGUSR1)  # Python handles the signal when the call into SQLite returns
        other.rollback()

    helper = threading.Thread(target=interrupt)
    helper.start()
    try:
        with pytest.raises(SystemExit):
            write()
    finally:
        helper.join(20)
    assert set(statements) == {"BEGIN IMMEDIATE"}


def test_a_process_that_waits_looks_often_for_its_turn(tmp_path: Path, connections: list[sqlite3.Connection]) -> None:
    """Another one that stores without a break leaves the database free only for a moment at a time."""
    with faults.locked(tmp_path, "events.db") as (path, lasting), SQLite(path, timeout=1) as sink:
        looks: list[str] = []
        connections[0].set_trace_callback(looks.append)
        with lasting(), pytest.raises(Unavailable, match="locked"):
            sink(event("1"))
    assert len(looks) > 25


def test_threads_that_wait_for_a_busy_one_get_an_error_and_their_events_are_not_stored_later(
    tmp_path: Path, connections: list[sqlite3.Connection]
) -> None:
    path = tmp_path / "events.db"
    with SQLite(path, timeout=0.3) as sink:
        threads, errors = [], []

        def store(name: str) -> None:
            with pytest.raises(Unavailable, match=r"was busy for 0\.3 seconds") as caught:
                sink(event(name))
            errors.append(caught.value)

        with busy(sink, connections[0]):
            for name in "abc":
                threads.append(threading.Thread(target=store, args=(name,)))
                threads[-1].start()
            for thread in threads:
                thread.join(20)
        assert len(errors) == 3
        sink(event("after"))
    assert stored(path) == ["busy", "after"]


def test_closing_waits_for_a_thread_that_stores_no_longer_than_its_timeout(
    tmp_path: Path, connections: list[sqlite3.Connection]
) -> None:
    path = tmp_path / "events.db"
    with SQLite(path) as sink:
        with busy(sink, connections[0]):
            with pytest.raises(Unavailable, match=r"was busy for 0\.05 seconds"):
                sink.close(0.05)
            assert str(path) in descriptors(tmp_path)
        assert str(path) in descriptors(tmp_path)
        sink.close(0)
        assert not descriptors(tmp_path)
    assert stored(path) == ["busy"]
