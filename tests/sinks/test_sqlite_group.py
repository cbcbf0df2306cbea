"""Batches, and threads that share a transaction: one INSERT, one commit, and errors only for those at fault."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.sinks import SQLite
from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable, store
from tests.support import connections as sqlite_connections
from tests.support import faults
from tests.support.connections import refuse, store_at_once
from tests.support.processes import event, rows, stored
from tests.support.spools import descriptors

connections = sqlite_connections.connections

VARIABLES, LENGTH = sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, sqlite3.SQLITE_LIMIT_LENGTH


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
def sink(path: Path, connections: list[sqlite3.Connection]) -> Iterator[SQLite]:
    with SQLite(path, timeout=20) as sink:
        assert len(connections) == 1
        yield sink


@pytest.fixture
def connection(sink: SQLite, connections: list[sqlite3.Connection]) -> sqlite3.Connection:
    """The sink's own connection."""
    return connections[0]


@pytest.fixture
def statements(connection: sqlite3.Connection) -> list[str]:
    """The statements that the sink executes during the test."""
    executed: list[str] = []
    connection.set_trace_callback(executed.append)
    return executed


def kinds(statements: list[str]) -> list[str]:
    return [statement.split()[0] for statement in statements]


def named(message_id: str, name: str) -> Event:
    return {**event(message_id), "event": name}


# --- sharing ---


def test_threads_that_store_at_once_share_one_insert(
    sink: SQLite, connection: sqlite3.Connection, statements: list[str], path: Path
) -> None:
    assert store_at_once(sink, connection, [event(str(number)) for number in range(8)]) == [None] * 8
    assert kinds(statements) == ["INSERT", "BEGIN", "INSERT", "COMMIT"]  # the first one was alone
    assert stored(path) == ["busy", *(str(number) for number in range(8))]
    assert sink.waiting == 0


def test_batches_of_several_threads_share_one_insert(
    sink: SQLite, connection: sqlite3.Connection, statements: list[str], path: Path
) -> None:
    def store_two(first: Event) -> None:
        store(sink, [first, event(f"{first['messageId']} too")])

    errors = store_at_once(sink, connection, [event(str(number)) for number in range(3)], store_two)
    assert errors == [None] * 3
    assert kinds(statements) == ["INSERT", "BEGIN", "INSERT", "COMMIT"]  # the first one was alone
    assert stored(path) == ["busy", "0", "0 too", "1", "1 too", "2", "2 too"]


def test_a_message_that_is_repeated_within_a_batch_is_stored_once_and_the_first_stays(sink: SQLite, path: Path) -> None:
    sink.write([named("1", "first"), named("1", "second"), named("2", "third")])
    assert rows(path, "SELECT event FROM events ORDER BY message_id") == ["first", "third"]


# --- batches ---


def test_a_batch_beyond_sqlites_limit_of_variables_is_several_inserts_in_one_transaction(
    sink: SQLite, connection: sqlite3.Connection, statements: list[str], path: Path
) -> None:
    connection.setlimit(VARIABLES, 3 * 7 + 6)
    sink.write([event(str(number)) for number in range(8)])
    assert kinds(statements) == ["BEGIN", "INSERT", "INSERT", "INSERT", "COMMIT"]
    assert stored(path) == [str(number) for number in range(8)]


def test_a_batch_of_any_size_is_stored_in_order(sink: SQLite, path: Path) -> None:
    ids = [f"{number:05}" for number in range(5000)]
    sink.write([event(message_id) for message_id in ids])
    assert stored(path) == ids


@pytest.mark.parametrize("fault", [faults.full_disk, faults.file_size_limit], ids=["full disk", "limit of a file"])
def test_a_batch_that_does_not_fit_is_not_stored_at_all_and_the_next_one_is(
    tmp_path: Path, fault: Callable[..., Any]
) -> None:
    with fault(tmp_path, "events.db") as (path, lasting):
        sink = SQLite(path)
        sink.write([event("1"), event("2")])
        with lasting(), pytest.raises((OSError, Unavailable)):
            sink.write([event(f"refused {number}", 600) for number in range(300)])
        assert not descriptors(path.parent)
        sink.write([event("3"), event("4")])
        sink.close()
        assert stored(path) == ["1", "2", "3", "4"]


def test_a_batch_of_nothing_is_nothing_to_do(path: Path) -> None:
    SQLite(path).write([])
    assert not path.exists()


# --- events at fault ---

#: Each with what made it undeliverable.
UNSTORABLE: dict[str, tuple[Event, type[Exception] | None]] = {
    "no messageId": ({"type": "track"}, None),
    "not a number": ({"messageId": "m", "value": float("nan")}, ValueError),
    "bytes": ({"messageId": "m", "value": b""}, TypeError),
    "half a surrogate pair": ({"messageId": "m", "value": "\ud800"}, UnicodeEncodeError),
    "half a surrogate pair as its id": ({"messageId": "\udfff"}, UnicodeEncodeError),
}


@pytest.mark.parametrize(("given", "cause"), UNSTORABLE.values(), ids=list(UNSTORABLE))
def test_an_event_that_is_no_row_is_named_before_the_others_are_stored(
    sink: SQLite, statements: list[str], path: Path, given: Event, cause: type[Exception] | None
) -> None:
    with pytest.raises(PartialFailure) as caught:
        sink.write([event("1"), given, event("2")])
    ((place, why),) = caught.value.failures.items()
    assert isinstance(why, Undeliverable)
    assert place == 1
    assert type(why.__cause__) is (cause or type(None))
    assert kinds(statements) == ["BEGIN", "INSERT", "COMMIT"]
    assert stored(path) == ["1", "2"]


def test_where_no_event_is_a_row_the_database_is_left_alone(path: Path) -> None:
    with pytest.raises(PartialFailure) as caught:
        SQLite(path).write([given for given, _ in UNSTORABLE.values()])
    assert sorted(caught.value.failures) == list(range(len(UNSTORABLE)))
    assert not path.exists()


def test_an_event_that_the_database_refuses_is_named_and_all_others_of_its_batch_are_stored(
    sink: SQLite, path: Path
) -> None:
    refuse(path, "bad")
    batch = [event("1"), named("2", "bad"), {"type": "no messageId"}, event("4"), named("5", "bad")]
    with pytest.raises(PartialFailure) as caught:
        sink.write(batch)
    assert {place: type(error) for place, error in caught.value.failures.items()} == {
        1: Undeliverable,
        2: Undeliverable,
        4: Undeliverable,
    }
    assert stored(path) == ["1", "4"]


def test_a_refused_event_in_a_batch_of_several_inserts_spoils_none_of_them(
    sink: SQLite, connection: sqlite3.Connection, statements: list[str], path: Path
) -> None:
    refuse(path, "bad")
    connection.setlimit(VARIABLES, 2 * 7)
    with pytest.raises(PartialFailure) as caught:
        sink.write([event("0"), event("1"), event("2"), named("3", "bad"), event("4")])
    assert list(caught.value.failures) == [3]
    # With a transaction for each event, there would be a sync for each.
    assert (kinds(statements).count("BEGIN"), kinds(statements).count("COMMIT")) == (2, 1)
    assert stored(path) == ["0", "1", "2", "4"]


def test_a_thread_whose_event_is_refused_spoils_nothing_for_those_it_shares_a_transaction_with(
    sink: SQLite, connection: sqlite3.Connection, path: Path
) -> None:
    refuse(path, "bad")
    events = [event("0"), named("1", "bad"), event("2"), named("3", "bad"), event("4")]
    errors = store_at_once(sink, connection, events)
    assert [type(error) for error in errors] == [type(None), Undeliverable] * 2 + [type(None)]
    assert [str(error) for error in errors if error] == [f"{path}: no bad"] * 2
    assert stored(path) == ["busy", "0", "2", "4"]
    assert not connection.in_transaction


def test_an_event_that_is_too_large_for_sqlite_spoils_nothing_for_others(
    sink: SQLite, connection: sqlite3.Connection, path: Path
) -> None:
    connection.setlimit(LENGTH, 5000)
    errors = store_at_once(sink, connection, [event("0"), event("1", 6000), event("2")])
    assert [type(error) for error in errors] == [type(None), Undeliverable, type(None)]
    assert stored(path) == ["busy", "0", "2"]


def test_a_trigger_that_rolls_everything_back_fails_its_batch_as_a_whole(sink: SQLite, path: Path) -> None:
    refuse(path, "bad", how="ROLLBACK")
    with pytest.raises(sqlite3.IntegrityError, match="no bad"):
        sink.write([event("1"), named("2", "bad"), event("3")])
    assert stored(path) == []
    sink.write([event("4"), event("5")])
    assert stored(path) == ["4", "5"]


def test_every_thread_of_the_batch_gets_an_error_of_the_file(
    sink: SQLite, connection: sqlite3.Connection, path: Path
) -> None:
    connection.execute("PRAGMA max_page_count = 1")  # on this connection, the file does not grow any more
    errors = store_at_once(sink, connection, [event("0", 6000), event("1", 6000)])
    assert ["disk is full" in str(error) for error in errors] == [True, True]
    sink(event("2"))
    assert stored(path) == ["busy", "2"]
