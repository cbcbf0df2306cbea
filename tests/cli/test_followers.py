"""What ``tail`` stands on: the events of a store, look by look, whatever becomes of the store in between."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pixelmw.cli.tail.jsonlines import JSONLinesFollower
from pixelmw.cli.tail.sqlite import SQLiteFollower
from pixelmw.sinks import SQLite
from tests.support.tails import event


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a store."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def names(follower: SQLiteFollower | JSONLinesFollower) -> list[str]:
    """The events of one look."""
    return [each["event"] for each in follower.new_events()]


@pytest.mark.slow  # the time that SQLite waits for a lock
def test_while_a_database_is_locked_there_are_no_events_and_then_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with SQLite(path) as sink:
        sink(event("one"))
    with database(path) as writer:
        writer.execute("PRAGMA journal_mode = DELETE")  # under which one who writes keeps others from reading
        with closing(SQLiteFollower(path, last=10)) as follower:
            assert names(follower) == ["one"]
            writer.execute("BEGIN EXCLUSIVE")
            writer.execute(
                "INSERT INTO events SELECT 'm', type, 'two', user_id, anonymous_id, 'r', ? FROM events", ["{}"]
            )
            writer.execute("UPDATE events SET body = ? WHERE message_id = 'm'", [json.dumps(event("two"))])
            assert names(follower) == []
            assert follower.is_away
            writer.execute("COMMIT")
            assert names(follower) == ["two"]
            assert not follower.is_away


def test_rows_that_are_no_events_are_counted_and_each_event_comes_once(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with database(path) as writer:
        writer.execute("CREATE TABLE events (message_id, received_at, body)")
        bodies = ["no json", None, "[]", json.dumps(event("good"))]
        writer.executemany(
            "INSERT INTO events VALUES (?, ?, ?)", [(str(n), "r", body) for n, body in enumerate(bodies)]
        )
        with closing(SQLiteFollower(path, last=10)) as follower:
            assert names(follower) == ["good"]
            assert follower.skipped == 3
            writer.execute("DELETE FROM events")  # the next rows get the numbers of these
            writer.execute("INSERT INTO events VALUES ('3', 'r', ?)", [json.dumps(event("good"))])
            writer.execute("INSERT INTO events VALUES ('4', 'r', ?)", [json.dumps(event("new"))])
            assert names(follower) == ["new"]


def test_a_table_that_becomes_a_view_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with SQLite(path) as sink:
        sink(event("one"))
    with closing(SQLiteFollower(path, last=1)) as follower:
        assert names(follower) == ["one"]
        with database(path) as writer:
            writer.execute("ALTER TABLE events RENAME TO old")
            assert names(follower) == []
            writer.execute("CREATE VIEW events AS SELECT * FROM old")
            assert names(follower) == []
            assert follower.is_away
            writer.execute("DROP VIEW events")
            writer.execute("ALTER TABLE old RENAME TO events")
        with SQLite(path) as sink:
            sink(event("two"))
        assert names(follower) == ["two"]


def test_a_view_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with database(path) as writer:
        writer.execute("CREATE VIEW events AS SELECT 1 AS message_id")
    with pytest.raises(ValueError, match="no table named events"):
        SQLiteFollower(path, last=1)


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.write_bytes(b"x" * 5000)
    with pytest.raises(sqlite3.DatabaseError):
        SQLiteFollower(path, last=1)


def test_a_file_of_lines_that_is_moved_away_is_read_to_its_end_and_its_place_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(event("one")) + "\n")
    with closing(JSONLinesFollower(path)) as follower:
        assert names(follower) == ["one"]
        with path.open("a") as file:
            file.write(json.dumps(event("two")) + "\n")
        path.rename(tmp_path / "old.jsonl")
        path.mkdir()  # in its place
        assert names(follower) == ["two"]
        path.rmdir()
        path.write_text(f"\nno json\n[]\n{json.dumps(event('three'))}\n")
        assert names(follower) == ["three"]
        assert follower.skipped == 2
        os.truncate(path, 0)
        assert names(follower) == []
