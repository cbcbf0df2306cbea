"""A table of the user's own making: other columns, triggers that keep rows out, and what takes no events at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pixelmw.sinks import SQLite
from pixelmw.sinks.base import PartialFailure, SinkError, Unavailable, Undeliverable, is_down
from tests.support.pixel import Pixel
from tests.support.processes import event, rows, stored
from tests.support.visitors import Visitors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


def execute(path: Path, *statements: str) -> None:
    """Execute statements on a connection of their own, as the operator does."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


# --- columns ---


def test_columns_may_be_in_any_order_and_in_capitals_and_there_may_be_more(path: Path) -> None:
    execute(
        path,
        "CREATE TABLE events (id INTEGER PRIMARY KEY NOT NULL, body TEXT, received_at TEXT, anonymous_id TEXT, "
        "user_id TEXT, EVENT TEXT, type TEXT, message_id TEXT UNIQUE, note TEXT NOT NULL DEFAULT 'new', "
        "length INTEGER AS (length(body)) STORED NOT NULL)",
    )
    given = {**event("m"), "userId": "u", "anonymousId": "a", "receivedAt": "now"}
    with SQLite(path) as sink:
        sink(given)
        sink(given)
        assert sink.stats() == {"repeated": 1}
    select = "SELECT id, message_id, type, event, user_id, anonymous_id, received_at, note FROM events"
    assert rows(path, select) == [(1, "m", "track", "e", "u", "a", "now", "new")]
    assert rows(path, "SELECT json_extract(body, '$.messageId') FROM events") == ["m"]


_OURS = "type TEXT, event TEXT, user_id TEXT, anonymous_id TEXT, received_at TEXT, body TEXT"
TABLES = {
    "a column is missing": (
        f"CREATE TABLE events (message_id TEXT PRIMARY KEY, {_OURS.replace('user_id TEXT, ', '')})",
        "no column named user_id",
    ),
    "there is no key": (f"CREATE TABLE events (message_id TEXT, {_OURS})", "message_id as a key"),
    "another column wants a value": (
        f"CREATE TABLE events (message_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, {_OURS})",
        "no event has a value for tenant",
    ),
    "it is a view": (f"CREATE VIEW events ({_OURS.replace(' TEXT', '')}, message_id) AS SELECT 1,2,3,4,5,6,7", "view"),
}


@pytest.mark.parametrize(("table", "words"), TABLES.values(), ids=list(TABLES))
def test_a_table_that_takes_no_events_is_an_operators_mistake_and_said_at_the_start(
    path: Path, table: str, words: str
) -> None:
    execute(path, table)
    with pytest.raises(sqlite3.OperationalError, match=f"the table events takes no events: .*{words}"), SQLite(path):
        pytest.fail("it was entered")
    sink = SQLite(path)
    for _ in range(2):
        with pytest.raises(Unavailable, match=f"{path}: the table events takes no events: .*{words}"):
            sink(event("1"))
    execute(path, "DROP VIEW events" if "VIEW" in table else "DROP TABLE events")
    sink(event("2"))
    sink.close()
    assert stored(path) == ["2"]


# --- rows that do not stay ---

_BEFORE = "CREATE TRIGGER swallow BEFORE INSERT ON events WHEN NEW.event = 'bad' BEGIN SELECT RAISE(IGNORE); END"
_AFTER = (
    "CREATE TRIGGER swallow AFTER INSERT ON events WHEN NEW.event = 'bad' "
    "BEGIN DELETE FROM events WHERE message_id = NEW.message_id; END"
)
swallowing = pytest.mark.parametrize("trigger", [_BEFORE, _AFTER], ids=["ignored before", "deleted after"])


def bad(message_id: str) -> dict[str, object]:
    return {**event(message_id), "event": "bad"}


@swallowing
def test_an_event_whose_row_a_trigger_swallows_is_refused_and_not_answered_200(path: Path, trigger: str) -> None:
    with SQLite(path) as sink:
        execute(path, trigger)  # while the sink is in use
        pixel = Pixel(sink=sink)
        query = "writeKey=k&anonymousId=a&messageId="
        answers = [
            pixel.get("/pixel/v1/track", f"{query}{number}&event={name}").status_code
            for number, name in enumerate(("good", "bad", "good"))
        ]
        assert answers == [200, 422, 200]
        with pytest.raises(Undeliverable, match="a trigger of the table events kept the row out"):
            sink(bad("3"))
        assert sink.stats() == {"repeated": 0}
    assert stored(path) == ["0", "2"]


@swallowing
def test_of_a_batch_only_the_events_that_a_trigger_swallows_are_refused(path: Path, trigger: str) -> None:
    with SQLite(path) as sink:
        execute(path, trigger)
        sink(event("1"))
        with pytest.raises(PartialFailure) as caught:
            sink.write([event("0"), bad("b"), event("1"), {"type": "no id"}, event("2"), bad("c"), event("2")])
        assert {place: type(error) for place, error in caught.value.failures.items()} == dict.fromkeys(
            (1, 3, 5), Undeliverable
        )
        assert sink.stats() == {"repeated": 2}
    assert stored(path) == ["1", "0", "2"]


def test_a_trigger_that_fails_at_a_row_is_no_outage(path: Path) -> None:
    reads = "CREATE TRIGGER reads AFTER INSERT ON events BEGIN SELECT json_extract(NEW.user_id, '$.a'); END"
    with SQLite(path) as sink:
        sink(event("0"))
        execute(path, reads)
        good = [{**event(str(number)), "userId": "{}"} for number in range(1, 8)]
        visitors = Visitors(sink).come({**event("bad"), "userId": "{"}, *good).leave()
    assert visitors.refused == ["bad"]
    error = visitors.told["bad"]
    assert isinstance(error, SinkError)
    assert not is_down(error)
    assert sorted(stored(path)) == [str(number) for number in range(8)]


def test_a_trigger_that_writes_elsewhere_is_no_trouble(path: Path) -> None:
    with SQLite(path) as sink:
        execute(
            path,
            "CREATE TABLE audit (message_id TEXT)",
            "CREATE TRIGGER note AFTER INSERT ON events BEGIN INSERT INTO audit VALUES (NEW.message_id); END",
        )
        sink.write([event(str(number)) for number in range(300)])
        sink(event("7"))
        assert sink.stats() == {"repeated": 1}
    assert len(stored(path)) == 300
    assert rows(path, "SELECT count(*) FROM audit") == [300]


def test_a_repeated_event_in_company_is_counted_and_no_error(path: Path) -> None:
    with SQLite(path) as sink:
        sink.write([event("1"), event("2"), event("1")])
        sink.write([event("2"), event("3")])
        assert sink.stats() == {"repeated": 2}
    assert stored(path) == ["1", "2", "3"]
