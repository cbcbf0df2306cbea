"""Events as rows of a database: what is in them, and what makes a commit last."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pixelmw.sinks import SQLite
from pixelmw.sinks.base import Undeliverable
from pixelmw.sinks.sqlite.connection import make_durable
from tests.support import connections as sqlite_connections
from tests.support.faults import strace
from tests.support.pixel import Pixel
from tests.support.processes import event, rows, run, stored

connections = sqlite_connections.connections


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
def sink(path: Path) -> Iterator[SQLite]:
    with SQLite(path) as sink:
        yield sink


# --- rows ---


def test_the_table_has_the_columns_that_are_promised(sink: SQLite, path: Path) -> None:
    columns = rows(path, "SELECT name, type, pk FROM pragma_table_info('events') ORDER BY cid")
    assert columns == [
        ("message_id", "TEXT", 1),
        ("type", "TEXT", 0),
        ("event", "TEXT", 0),
        ("user_id", "TEXT", 0),
        ("anonymous_id", "TEXT", 0),
        ("received_at", "TEXT", 0),
        ("body", "TEXT", 0),
    ]


def test_a_pixel_becomes_a_row_with_the_whole_event_as_its_body(sink: SQLite, path: Path) -> None:
    pixel = Pixel(sink=sink)
    query = "writeKey=k&anonymousId=a&userId=u&event=Sign%20up&messageId=m&properties.plan=pro"
    assert pixel.get("/pixel/v1/track", query).status_code == 200
    ((*columns, body),) = rows(path, "SELECT * FROM events")
    assert columns == ["m", "track", "Sign up", "u", "a", "2026-11-23T12:34:56.789Z"]
    event = json.loads(body)
    assert event["properties"] == {"plan": "pro"}
    assert event["integrations"] == {"All": True}
    assert [event[name] for name in ("messageId", "type", "event", "userId", "anonymousId", "receivedAt")] == columns


def test_sqlite_itself_can_read_the_body(sink: SQLite, path: Path) -> None:
    sink(event("1", 3))
    assert rows(path, "SELECT json_extract(body, '$.properties.text') FROM events") == ["xxx"]


def test_what_an_event_does_not_have_is_null(sink: SQLite, path: Path) -> None:
    sink({"messageId": "1"})
    assert rows(path, "SELECT * FROM events") == [("1", None, None, None, None, None, '{"messageId":"1"}')]


@pytest.mark.parametrize(
    ("value", "column"),
    [
        pytest.param(7, "7", id="number"),
        pytest.param(True, "true", id="boolean"),
        pytest.param({"id": ["ü"]}, '{"id": ["\\u00fc"]}', id="object"),
    ],
)
def test_an_id_that_is_no_string_is_json_in_its_column(sink: SQLite, path: Path, value: Any, column: str) -> None:
    sink({"messageId": "1", "userId": value})
    ((user_id, kind, body),) = rows(path, "SELECT user_id, typeof(user_id), body FROM events")
    assert (user_id, kind) == (column, "text")
    assert json.loads(body)["userId"] == value


def test_a_repeated_message_is_stored_once_and_the_first_stays(sink: SQLite, path: Path) -> None:
    sink({"messageId": "1", "event": "first"})
    sink({"messageId": "1", "event": "second"})
    sink({"messageId": "2", "event": "third"})
    assert rows(path, "SELECT event FROM events ORDER BY message_id") == ["first", "third"]


@pytest.mark.parametrize("given", [{}, {"messageId": None}, {"messageId": ""}], ids=["absent", "null", "blank"])
def test_an_event_without_a_message_id_is_refused(sink: SQLite, path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(Undeliverable, match="needs a messageId"):
        sink({"event": "e", **given})
    assert stored(path) == []


def test_what_is_not_json_is_refused(sink: SQLite, path: Path) -> None:
    with pytest.raises(Undeliverable, match=r"the event is not JSON: .*not JSON compliant"):
        sink({"messageId": "1", "value": float("nan")})
    assert stored(path) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("'); DROP TABLE events; --", id="SQL"),
        pytest.param("\"'`[];?:name@x$1", id="quotes"),
        pytest.param("\ufffd", id="replacement"),
        pytest.param("👩‍👩‍👧 🎉 𝔘", id="emoji"),  # noqa: RUF001
        pytest.param("\r\n\t\x1b\x7f\u2028", id="control"),
        pytest.param("x" * 100_000, id="long"),
    ],
)
def test_whatever_text_a_value_holds_comes_back_as_it_was(sink: SQLite, path: Path, text: str) -> None:
    given = {"messageId": text, "type": text, "event": text, "userId": text, "anonymousId": text, "p": {text: text}}
    sink(given)
    ((*columns, body),) = rows(path, "SELECT message_id, type, event, user_id, anonymous_id, body FROM events")
    assert columns == [text] * 5
    assert json.loads(body) == given


# --- durability ---


def test_the_sinks_own_connection_is_in_wal_mode_and_fully_synchronous(
    connections: list[sqlite3.Connection], sink: SQLite
) -> None:
    (connection,) = connections
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


_THREE = """
import os, sys
from pixelmw.sinks import SQLite
from tests.support.faults import strace
from tests.support.processes import event

sink = SQLite(sys.argv[1])
for name in "123":
    sink(event(name))
    os.write(1, b"returned\\n")
os._exit(0)
"""


def test_a_commit_is_on_the_disk_before_the_sink_returns(path: Path) -> None:
    log = path.with_suffix(".trace")
    calls = ["-y", "-e", "trace=write,pwrite64,fdatasync,fsync", "-o", str(log)]
    run(_THREE, path, under=[strace(), "-f", "--seccomp-bpf", "-qq", *calls])
    steps = []
    for line in log.read_text().splitlines():
        if '"returned' in line:
            steps.append("return")
        elif f"{path}-wal>" in line:
            steps.append("write" if "write" in line else "sync")
    events = "".join(f"{step} " for step in steps).split("return ")[:-1]
    assert len(events) == 3
    assert all("write " in each and each.endswith("sync ") for each in events), events


def test_a_database_that_cannot_be_in_wal_mode_is_refused() -> None:
    """The test uses one in memory. An unusual file system or VFS has the same effect."""
    refused = pytest.raises(sqlite3.OperationalError, match="the journal mode stays 'memory'")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection, refused:
        make_durable(connection)


def test_a_connection_that_cannot_be_made_fully_synchronous_is_refused(path: Path) -> None:
    def forbid(action: int, name: str | None, value: str | None, *_: object) -> int:
        setting = action == sqlite3.SQLITE_PRAGMA and name == "synchronous" and value is not None
        return sqlite3.SQLITE_IGNORE if setting else sqlite3.SQLITE_OK

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.set_authorizer(forbid)
        with pytest.raises(sqlite3.OperationalError, match="synchronous stays 1"):
            make_durable(connection)


# --- opening and closing ---


def test_making_a_sink_does_not_touch_the_disk(path: Path) -> None:
    assert repr(SQLite(path)) == f"SQLite({str(path)!r})"
    assert not path.exists()


def test_a_context_manager_opens_the_database_at_once_and_closes_it(path: Path) -> None:
    with SQLite(path) as sink:
        assert stored(path) == []
        sink(event("1"))
    # The last connection deletes the log when it is closed.
    assert [file.name for file in path.parent.iterdir()] == ["events.db"]


def test_a_wrong_path_shows_as_soon_as_the_context_is_entered(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="unable to open"), SQLite(tmp_path / "missing" / "events.db"):
        pytest.fail("it was entered")


def test_a_relative_path_survives_a_change_of_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    sink = SQLite("events.db")
    monkeypatch.chdir(tmp_path / "elsewhere")
    sink(event("1"))
    sink.close()
    assert stored(tmp_path / "events.db") == ["1"]


def test_a_memory_database_is_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the database were in memory, an accepted event would be lost with the process."""
    monkeypatch.chdir(tmp_path)
    with SQLite(":memory:") as sink:
        sink(event("1"))
    assert rows(tmp_path / ":memory:") == ["1"]
