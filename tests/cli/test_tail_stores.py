"""``tail`` reads what is whole in each kind of store, and follows no path that leads elsewhere."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pixelmw.sinks import SQLite
from tests.support.command_line import run_here, started
from tests.support.tails import Tail, event, store, tailing

# --- a file of lines ---


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def line(name: str) -> bytes:
    return json.dumps(event(name)).encode() + b"\n"


def test_a_part_of_a_line_waits_for_its_rest(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line("whole") + line("parted")[:20])
    with tailing(path, "--json") as tail:
        assert tail.name() == "whole"
        append(path, line("parted")[20:40])
        append(path, line("parted")[40:] + line("after"))
        assert tail.names(2) == ["parted", "after"]


def test_a_file_that_is_truncated_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line("one") + line("two") + b'{"part')
    with tailing(path, "--json") as tail:
        assert tail.names(2) == ["one", "two"]
        os.truncate(path, 0)
        append(path, line("three"))
        assert tail.name() == "three"


def test_a_file_that_is_truncated_and_has_grown_since_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line("one"))
    with tailing(path, "--json") as tail:
        assert tail.name() == "one"
        with path.open("r+b") as file:  # as copytruncate, between two looks
            file.truncate(0)
            file.write(line("two") + line("three"))
        assert tail.names(2) == ["two", "three"]


def test_lines_that_are_no_events_are_skipped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    broken = [b"no json", b"[1]", b"\xff\xfe", b"1" * 2_000_000, b"[" * 100_000, b'{"a": NaN', b"null"]
    path.write_bytes(b"\n".join(broken) + b"\n\n" + line("good"))
    with tailing(path, "--json") as tail:
        assert tail.name() == "good"
        append(path, b"again no json\n" + line("better"))
        assert tail.name() == "better"
        errors = tail.error_line(), tail.error_line()
    assert errors == (f"{len(broken)} skipped: no events, or too long\n", "1 skipped: no events, or too long\n")


def test_of_a_long_file_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with path.open("wb") as file:
        file.truncate(5 * 1024**3)  # of which nothing is on the disk
    append(path, b"\n" + b"".join(line(f"e{number}") for number in range(20)))
    with tailing(path, "--json", "--lines=2") as tail:
        assert tail.names(2) == ["e18", "e19"]


# --- a database ---


def test_the_database_is_opened_for_reading_only_while_others_write(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    store(path, "one")
    before = path.read_bytes()
    with tailing(path, "--json") as tail:
        assert tail.name() == "one"
        assert path.read_bytes() == before
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")  # a writer at work keeps nobody from reading, nor is it kept
            connection.execute(
                "INSERT INTO events VALUES ('m', 'track', 'x', 'u', NULL, 'r', ?)", [json.dumps(event("x"))]
            )
            connection.execute("COMMIT")
            assert tail.name() == "x"
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_rows_that_are_deleted_or_numbered_anew_lose_and_repeat_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    sink = SQLite(path)
    at = iter(f"2026-11-23T12:34:{second:02}.000Z" for second in range(60))
    for name in ("one", "two", "three"):
        sink(event(name, receivedAt=next(at)))
    with tailing(path, "--json") as tail, closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert tail.names(3) == ["one", "two", "three"]
        connection.execute("DELETE FROM events WHERE event = 'three'")  # the next one gets its number
        sink(event("four", receivedAt=next(at)))
        assert tail.name() == "four"
        connection.execute("DELETE FROM events WHERE event = 'one'")
        connection.execute("VACUUM")  # all get other numbers
        sink(event("five", receivedAt=next(at)))
        assert tail.name() == "five"
        connection.execute("DELETE FROM events")
        sink(event("six", receivedAt=next(at)))
        sink(event("seven", receivedAt=next(at)))
        assert tail.names(2) == ["six", "seven"]
    sink.close()


def test_rows_that_are_no_events_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE events (message_id, received_at, body)")
        bodies = ["no json", b"\xff", 5, None, "[]", json.dumps({"a": "x" * 600_000}), json.dumps(event("good"))]
        connection.executemany("INSERT INTO events VALUES (?, ?, ?)", [(n, n, body) for n, body in enumerate(bodies)])
        with tailing(path, "--json") as tail:
            assert tail.name() == "good"
            assert tail.error_line() == "6 skipped: no events, or too long\n"


# --- paths that lead elsewhere ---


def test_a_path_that_leads_to_no_store_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("directory").mkdir()
    Path("loop").symlink_to("loop")
    Path("to-pipe").symlink_to("pipe")
    with closing(sqlite3.connect("other.db")) as connection:
        connection.execute("CREATE TABLE other (a)")
    with closing(sqlite3.connect("view.db")) as connection:
        endless = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS body FROM n"
        connection.execute(f"CREATE VIEW events AS {endless}")
    for name, words in {
        "missing": "No such file",
        "pipe": "no regular file",
        "to-pipe": "no regular file",
        "directory": "no regular file",
        "/dev/zero": "no regular file",
        "loop": "symbolic links",
        "other.db": "no table named events",
        "view.db": "no table named events",
        "evil\x1b[31m": "No such file",
    }.items():
        said = run_here(capsys, "tail", name)
        assert (said.code, said.out) == (1, ""), name
        assert words in said.err
        assert said.err[:-1].isprintable()


@pytest.mark.parametrize("name", ["a b.db", "x.db?mode=rwc", "x.db#y", "100%.db", "-x.db", "file:x.db", "ü.db"])
def test_a_name_is_a_name_and_never_part_of_a_uri(tmp_path: Path, name: str) -> None:
    sink = SQLite(tmp_path / name)
    sink(event("one"))
    sink.close()
    with started(tmp_path, "tail", "--json", "--", name) as process:
        assert Tail(process).name() == "one"
    assert sorted(each.name for each in tmp_path.iterdir() if not each.name.endswith(("-wal", "-shm"))) == [name]


def test_a_link_to_a_store_is_followed(tmp_path: Path) -> None:
    store(tmp_path / "events.jsonl", "one")
    (tmp_path / "current").symlink_to("events.jsonl")
    with tailing(tmp_path / "current", "--json") as tail:
        assert tail.name() == "one"


def test_a_table_that_is_dropped_and_made_anew_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    store(path, "one")
    with tailing(path, "--json") as tail, closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert tail.name() == "one"
        connection.execute("DROP TABLE events")
        assert "is away; waiting for it to come back" in tail.error_line()
        store(path, "two")
        assert tail.name() == "two"


@pytest.mark.slow
def test_a_database_that_somebody_locks_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE events (message_id, received_at, body)")
        connection.execute("BEGIN EXCLUSIVE")
        said = run_here(capsys, "tail", str(path))
    assert (said.code, said.out, said.err) == (1, "", f"pixelmw: {path}: database is locked\n")
