"""The sink contract under trouble that is none of the file's own: others lock it, or a trigger keeps rows out."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pixelmw import Event
from pixelmw.sinks import JSONLines, SQLite
from pixelmw.testing import SinkContract
from tests.support import faults
from tests.support.processes import lines, rows

pytestmark = pytest.mark.slow

ReadBack = Callable[[], list[Event]]
Break = Callable[[], AbstractContextManager[object]]
TIMEOUT = 0.5  # seconds; what is locked is waited for in many points of the contract


def bodies(path: Path) -> list[Event]:
    """The events in a database."""
    return [json.loads(body) for body in rows(path, "SELECT body FROM events ORDER BY rowid")]


class _Locked(SinkContract):
    """A file that another process locks: while it does, the sink is down, and a call of it hangs."""

    __test__ = False

    @pytest.fixture
    def break_it(self, place: faults.Fault) -> Break:
        return place[1]

    @pytest.fixture
    def hang_it(self, place: faults.Fault) -> Break:
        return place[1]


class TestLockedSQLite(_Locked):
    """Another process has begun a transaction that does not end."""

    stores_once = survives_fork = True

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[faults.Fault]:
        with faults.being_made(tmp_path, "events.db") as place:
            yield place

    @pytest.fixture
    def sink(self, place: faults.Fault) -> Iterator[SQLite]:
        with SQLite(place[0], timeout=TIMEOUT) as sink:
            yield sink

    @pytest.fixture
    def read_back(self, place: faults.Fault) -> ReadBack:
        return lambda: bodies(place[0])


class TestLockedJSONLines(_Locked):
    """Another process holds the lock of the file."""

    survives_fork = True

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[faults.Fault]:
        with faults.locked(tmp_path, "events.jsonl") as place:
            yield place

    @pytest.fixture
    def sink(self, place: faults.Fault) -> JSONLines:
        return JSONLines(place[0], timeout=TIMEOUT)

    @pytest.fixture
    def read_back(self, place: faults.Fault) -> ReadBack:
        return lambda: lines(place[0])


class TestSQLiteWithATrigger(SinkContract):
    """The table is of the user's own making, and a trigger ignores the rows of some events without a word."""

    stores_once = survives_fork = True
    refuses: ClassVar[Any] = {"event": "unwanted"}

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "events.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(
                "CREATE TABLE events (body TEXT, note TEXT, received_at TEXT, anonymous_id TEXT, user_id TEXT, "
                "event TEXT, type TEXT, message_id TEXT UNIQUE)"
            )
            connection.execute(
                "CREATE TRIGGER unwanted BEFORE INSERT ON events WHEN NEW.event = 'unwanted' "
                "BEGIN SELECT RAISE(IGNORE); END"
            )
        return path

    @pytest.fixture
    def sink(self, path: Path) -> Iterator[SQLite]:
        with SQLite(path) as sink:
            yield sink

    @pytest.fixture
    def read_back(self, path: Path) -> ReadBack:
        return lambda: bodies(path)
