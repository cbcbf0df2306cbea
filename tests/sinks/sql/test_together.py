"""Rows of several visitors in one transaction: one that is refused or locked costs the others nothing."""

from __future__ import annotations

import pytest

from pixelmw import Event
from pixelmw.sinks import Unavailable, Undeliverable
from tests.support import databases
from tests.support.databases import Database, with_server
from tests.support.processes import event, wait_until
from tests.support.visitors import Visitors

server, db = databases.server, databases.db


@with_server
def test_of_visitors_who_come_together_only_the_one_with_a_bad_row_is_refused(db: Database) -> None:
    with db.sink() as sink:
        sink(event("first"))
        db.run(f"ALTER TABLE {db.table} ADD CONSTRAINT {db.table}_one CHECK (event <> 'refused')")

        def visit(each: Event) -> None:
            for number in range(20):
                sink({**each, "messageId": f"{each['messageId']}-{number}"})

        def insist(each: Event) -> None:
            for number in range(20):
                with pytest.raises(Undeliverable):
                    sink({**each, "messageId": f"bad-{number}", "event": "refused"})

        bad = Visitors(insist).come(event("bad"))
        good = Visitors(visit).come(*(event(f"e{number}") for number in range(15))).leave()
        assert bad.leave().refused == good.refused == []
    assert len(db.rows()) == 1 + 15 * 20


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_row_that_another_connection_has_locked_holds_up_no_visitor_of_another_row(db: Database) -> None:
    with db.sink(timeout=2) as sink:
        sink(event("first"))
        with db.holding("locked"):
            locked = Visitors(sink).come(event("locked"))
            wait_until(lambda: db.run("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == [1])
            others = Visitors(sink).come(*(event(f"e{number}") for number in range(15))).leave()
            locked.leave()
    assert isinstance(locked.told["locked"], Unavailable)
    assert others.refused == []
    assert others.longest < 1.5


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_row_that_only_the_commit_refuses_is_one_visitors_and_no_others(db: Database) -> None:
    """A deferred constraint fails once all rows of a transaction are in, and names none of them."""
    with db.sink() as sink:
        sink(event("first"))
        db.run(f"CREATE TABLE {db.table}_campaigns (name text PRIMARY KEY)")
        db.run(f"INSERT INTO {db.table}_campaigns VALUES ('e')")
        db.run(
            f"ALTER TABLE {db.table} ADD FOREIGN KEY (event) REFERENCES {db.table}_campaigns "
            "DEFERRABLE INITIALLY DEFERRED NOT VALID"
        )
        good = [{**event(f"good{number}"), "event": "e"} for number in range(30)]
        bad = [{**event(f"bad{number}"), "event": "unknown"} for number in range(2)]
        visitors = Visitors(sink).come(*bad, *good).leave()
    assert visitors.refused == ["bad0", "bad1"]
    assert all(isinstance(visitors.told[message_id], Undeliverable) for message_id in visitors.refused)
    assert db.rows() == sorted(["first", *(each["messageId"] for each in good)])
