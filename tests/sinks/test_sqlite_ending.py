"""Threads that end within a transaction, that wait too long, or that close the sink while another uses it."""

from __future__ import annotations

import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from pixelmw.sinks import SQLite
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

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit

    with faults.locked(tmp_path, "events.db") as (path, lasting), SQLite(path, timeout=20) as sink:
        connections[0].setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 7)
        statements: list[str] = []
        connections[0].set_trace_callback(statements.append)
        main, other_process = threading.get_ident(), lasting()
        other_process.__enter__()

        def interrupt() -> None:
            wait_until(lambda: statements)  # it has begun, and SQLite waits for the other process
            signal.pthread_kill(main, signal.SIGUSR1)  # Python handles the signal when the call into SQLite returns
            other_process.__exit__(None, None, None)

        before = signal.signal(signal.SIGUSR1, end)
        helper = threading.Thread(target=interrupt)
        helper.start()
        try:
            with pytest.raises(SystemExit):
                sink.write([event("1"), event("2")])
        finally:
            helper.join(20)
            signal.signal(signal.SIGUSR1, before)
        assert statements == ["BEGIN IMMEDIATE"]
        with closing(sqlite3.connect(path, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
        sink(event("3"))
        assert stored(path) == ["3"]


def test_threads_that_wait_for_a_busy_one_get_an_error_and_their_events_are_not_stored_later(
    tmp_path: Path, connections: list[sqlite3.Connection]
) -> None:
    path = tmp_path / "events.db"
    with SQLite(path, timeout=0.3) as sink:
        threads, errors = [], []

        def store(name: str) -> None:
            with pytest.raises(sqlite3.OperationalError, match=r"was busy for 0\.3 seconds") as caught:
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
            with pytest.raises(sqlite3.OperationalError, match=r"was busy for 0\.05 seconds"):
                sink.close(0.05)
            assert str(path) in descriptors(tmp_path)
        assert str(path) in descriptors(tmp_path)
        sink.close(0)
        assert not descriptors(tmp_path)
    assert stored(path) == ["busy"]
