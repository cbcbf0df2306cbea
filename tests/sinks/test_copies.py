"""Copies of sinks, as ``copy``, ``copy.deepcopy`` and ``pickle`` make them, are sinks of their own."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pixelmw.delivery import Background
from pixelmw.sinks import JSONLines, SQLite, Unavailable, fallback, fan_out
from pixelmw.sinks.http import HTTP
from pixelmw.sinks.sql import SQL
from tests.support.processes import event


def pickled(sink: Any) -> Any:
    return pickle.loads(pickle.dumps(sink))


WAYS = [copy.copy, copy.deepcopy, pickled]
SINKS: dict[str, Callable[[Path], Any]] = {
    "SQLite": lambda path: SQLite(path / "events.db"),
    "JSONLines": lambda path: JSONLines(path / "events.jsonl"),
    "SQL": lambda path: SQL(f"sqlite:///{path}/sql.db"),
    "fan_out": lambda path: fan_out(SQLite(path / "events.db"), JSONLines(path / "events.jsonl")),
    "fallback": lambda path: fallback(SQLite(path / "events.db"), JSONLines(path / "events.jsonl")),
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", SINKS)
def test_a_copy_stores_and_its_end_is_not_that_of_the_original(
    name: str, way: Callable[[Any], Any], tmp_path: Path
) -> None:
    sink = SINKS[name](tmp_path)
    way(sink)
    sink(event("1"))
    twin = way(sink)
    twin(event("2"))
    sink(event("3"))
    twin.close()
    sink(event("4"))
    sink.close()
    assert repr(twin) == repr(sink)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_copy_counts_for_itself_what_was_there_already(way: Callable[[Any], Any], tmp_path: Path) -> None:
    sink = SQLite(tmp_path / "events.db")
    for _ in range(3):
        sink(event("1"))
    twin = way(sink)
    twin(event("1"))
    sink.close()
    twin.close()
    assert (sink.stats(), twin.stats()) == ({"repeated": 2}, {"repeated": 1})


@pytest.mark.parametrize("way", WAYS[1:], ids=lambda way: way.__name__)
def test_a_copy_of_what_gathers_events_takes_none_of_those_that_wait(way: Callable[[Any], Any], tmp_path: Path) -> None:
    background = Background(JSONLines(tmp_path / "events.jsonl"))
    background(event("1"))
    twin = way(background)
    twin(event("2"))
    twin.close()
    background.close()
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_copy_of_http_has_connections_of_its_own(way: Callable[[Any], Any]) -> None:
    sink = HTTP("http://127.0.0.1:1", "key", timeout=1)
    with pytest.raises(Unavailable):
        sink(event("1"))
    twin = way(sink)
    twin.close()
    with pytest.raises(Unavailable):
        twin(event("2"))
