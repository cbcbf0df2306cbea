"""A database that is deleted, replaced or damaged while the sink uses it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pixelmw.sinks import SQLite, Unavailable
from tests.support.processes import event, stored


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.mark.parametrize(
    ("pattern", "others"),
    [
        pytest.param("events.db*", [], id="deleted with its log"),
        pytest.param("events.db", [], id="deleted without its log"),
        pytest.param("events.db*", ["2"], id="replaced"),
    ],
)
def test_an_event_after_the_database_is_gone_is_in_the_new_file(path: Path, pattern: str, others: list[str]) -> None:
    sink = SQLite(path)
    sink(event("1"))
    for file in list(path.parent.glob(pattern)):
        file.unlink()
    for other in others:
        with SQLite(path) as other_sink:
            other_sink(event(other))
    sink(event("3"))
    sink.close()
    assert stored(path) == [*others, "3"]


def test_a_database_that_is_renamed_with_its_log_keeps_what_it_has(path: Path) -> None:
    sink = SQLite(path)
    sink(event("1"))
    for file in list(path.parent.iterdir()):
        file.rename(file.with_name(file.name.replace("events", "old")))
    sink(event("2"))
    sink.close()
    assert (stored(path.with_name("old.db")), stored(path)) == (["1"], ["2"])


def test_a_table_of_another_shape_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, name TEXT)")
    sink = SQLite(path)
    with pytest.raises(Unavailable, match="no column named message_id"):
        sink(event("1"))
    path.unlink()
    sink(event("2"))
    sink.close()
    assert stored(path) == ["2"]


def test_a_table_that_is_dropped_is_an_error_once_and_then_made_again(path: Path) -> None:
    sink = SQLite(path)
    sink(event("1"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE events")
    with pytest.raises(Unavailable, match="no such table"):
        sink(event("2"))
    sink(event("3"))
    sink.close()
    assert stored(path) == ["3"]


def test_a_database_that_is_overwritten_is_an_error_until_it_is_removed(path: Path) -> None:
    sink = SQLite(path)
    sink(event("1"))
    sink.close()
    path.write_bytes(b"This is a text, and no database. " * 200)
    for _ in range(2):
        with pytest.raises(Unavailable, match="not a database"):
            sink(event("2"))
    path.unlink()
    sink(event("3"))
    sink.close()
    assert stored(path) == ["3"]
