"""Rows that a trigger, a rule or an index of the operator's own swallows without an error are not taken for stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixelmw.delivery import Retry, Spool
from pixelmw.sinks import PartialFailure, SinkError, Undeliverable
from pixelmw.sinks.base import is_down, store
from tests.support import databases
from tests.support.databases import Database
from tests.support.forwarding import give_others_until
from tests.support.processes import event
from tests.support.swallowing import each_way, swallow
from tests.support.visitors import Visitors

server, db = databases.server, databases.db


@pytest.fixture
def way(request: pytest.FixtureRequest, db: Database) -> str:
    """What swallows the rows of "x", in a table with one row."""
    with db.sink() as sink:
        sink(event("first"))
    swallow(db.run, db.kind, request.param, db.table)
    return str(request.param)


@each_way
def test_a_row_that_is_swallowed_is_refused_by_name_and_the_others_are_stored(db: Database, way: str) -> None:
    batch = [event("2"), event("3") | {"userId": "x"}, event("first"), {"type": "no id"}, event("4")]
    with db.sink() as sink:
        with pytest.raises(PartialFailure) as caught:
            sink.write(batch)
        assert {place: type(error) for place, error in caught.value.failures.items()} == {
            1: SinkError,
            3: Undeliverable,
        }
        with pytest.raises(SinkError, match="does not keep what is inserted: is there a trigger") as alone:
            sink(event("1") | {"userId": "x"})
        assert not is_down(alone.value)
        assert sink.stats() == {"repeated": 1}
    assert db.rows() == ["2", "4", "first"]


@each_way
def test_of_visitors_who_come_together_only_those_are_refused_whose_rows_are_swallowed(db: Database, way: str) -> None:
    with db.sink() as sink:
        bad = [event(f"bad{number}") | {"userId": "x"} for number in range(3)]
        visitors = Visitors(sink).come(*bad, *(event(f"e{number}") for number in range(12))).leave()
    assert visitors.refused == ["bad0", "bad1", "bad2"]
    assert len(db.rows()) == 1 + 12


@each_way
def test_a_spool_gets_past_rows_that_are_swallowed_and_makes_dead_letters_of_these_alone(
    db: Database, way: str, tmp_path: Path
) -> None:
    dead: list[str] = []
    retry = Retry(first=0.001, cap=0.002)
    with (
        db.sink() as sql,
        Spool(tmp_path / "spool", sql, retry=retry, dead_letter=lambda each: dead.append(each["messageId"])) as sink,
    ):
        sink(event("bad") | {"userId": "x"})
        others = give_others_until(sink, [event(f"{number:03}") for number in range(200)], lambda: bool(dead))
        assert sink.flush(60)
    assert dead == ["bad"]
    assert db.rows() == sorted([*others, "first"])


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_row_that_collides_in_another_unique_index_is_not_taken_for_one_that_is_there(db: Database) -> None:
    with db.sink() as sink:
        sink(event("1") | {"userId": "u"})
    with db.sink() as sink:
        db.run(f"CREATE UNIQUE INDEX one_each ON {db.table} (user_id(20))")
        with pytest.raises(PartialFailure) as caught:
            store(sink, [event("2"), event("3") | {"userId": "u"}, event("1") | {"userId": "u"}])
        assert list(caught.value.failures) == [1]
    assert db.rows() == ["1", "2"]
