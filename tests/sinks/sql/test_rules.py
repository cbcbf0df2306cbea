"""Rules of the operator's own in the database: what breaks one is no outage, and takes no innocent along."""

from __future__ import annotations

import pytest

from pixelmw import Event
from pixelmw.sinks import SinkError, Unavailable, Undeliverable, fallback
from pixelmw.sinks.base import is_down
from pixelmw.sinks.sql import SQL
from tests.support import databases
from tests.support.databases import Database
from tests.support.processes import event
from tests.support.visitors import Visitors

server, db = databases.server, databases.db

# Each refuses the event "bad" of the table {t}, as an operator's rule does.
POSTGRESQL = {
    "INTO STRICT": "DECLARE x text; BEGIN SELECT 'x' INTO STRICT x WHERE NEW.event <> 'bad'; RETURN NEW; END",
    "ASSERT": "BEGIN ASSERT NEW.event <> 'bad'; RETURN NEW; END",
    "a code of its own": (
        "BEGIN IF NEW.event = 'bad' THEN RAISE EXCEPTION 'no' USING ERRCODE = 'KX001'; END IF; RETURN NEW; END"
    ),
    "a subquery": (
        "BEGIN PERFORM (SELECT 1 FROM generate_series(1, CASE NEW.event WHEN 'bad' THEN 2 ELSE 1 END)); RETURN NEW; END"
    ),
}
MARIADB = {
    "a number of its own": "IF NEW.event = 'bad' THEN SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 30001; END IF",
    "a pattern": "IF NEW.event REGEXP IF(NEW.event = 'bad', '(', 'nothing') THEN SET NEW.event = ''; END IF",
    "a subquery": (
        "SET @x = (SELECT seq FROM (SELECT 1 AS seq UNION SELECT 2) AS two WHERE seq = 1 OR NEW.event = 'bad')"
    ),
}


def only_the_guilty_is_refused(sink: SQL) -> None:
    """Let eight visitors store at the same time, one of them what breaks the rule, and one more after a fallback."""
    good = [event(f"good{number}") for number in range(7)]
    visitors = Visitors(sink).come(event("bad") | {"event": "bad"}, *good).leave()
    assert visitors.refused == ["bad"]
    error = visitors.told["bad"]
    assert isinstance(error, SinkError)
    assert not isinstance(error, Undeliverable)
    assert not is_down(error)
    seconds: list[Event] = []
    both = fallback(sink, seconds.append)
    both(event("bad2") | {"event": "bad"})
    both(event("good8"))
    assert [each["messageId"] for each in seconds] == ["bad2"]


@pytest.mark.parametrize("rule", POSTGRESQL)
@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_trigger_of_postgresql_refuses_only_the_row_that_breaks_its_rule(db: Database, rule: str) -> None:
    with db.sink() as sink:
        sink(event("first"))
        function = f"rule_{db.table}"
        db.run(f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ {POSTGRESQL[rule]} $$")
        db.run(f"CREATE TRIGGER r BEFORE INSERT ON {db.table} FOR EACH ROW EXECUTE FUNCTION {function}()")
        only_the_guilty_is_refused(sink)
    assert len(db.rows()) == 9


@pytest.mark.parametrize("rule", MARIADB)
@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_trigger_of_mariadb_refuses_only_the_row_that_breaks_its_rule(db: Database, rule: str) -> None:
    with db.sink() as sink:
        sink(event("first"))
        db.run(f"CREATE TRIGGER rule_{db.table} BEFORE INSERT ON {db.table} FOR EACH ROW {MARIADB[rule]}")
        only_the_guilty_is_refused(sink)
    assert len(db.rows()) == 9


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_policy_for_rows_is_no_right_that_is_missing(db: Database) -> None:
    with db.sink() as sink:
        sink(event("first"))
        db.run(f"ALTER TABLE {db.table} ENABLE ROW LEVEL SECURITY")
        db.run(f"CREATE POLICY reads ON {db.table} FOR SELECT USING (true)")
        db.run(f"CREATE POLICY rule ON {db.table} FOR INSERT WITH CHECK (event <> 'bad')")
        url = db.user("SELECT, INSERT")
    with db.sink(url=url) as sink:
        only_the_guilty_is_refused(sink)
    assert len(db.rows()) == 9


@pytest.mark.parametrize(
    "url",
    [
        "mysql+pymysql://u:pa%E2%82%ACss@127.0.0.1:1/x",
        "mysql+pymysql://u@db..internal/x",
        "postgresql+psycopg://u@db..internal/x",
        f"postgresql+psycopg://u@{'a' * 64}.example/x",
    ],
)
def test_a_url_that_cannot_be_sent_is_no_fault_of_an_event(url: str) -> None:
    with pytest.raises(Unavailable) as caught:
        SQL(url, timeout=2)(event("1"))
    assert "\u20ac" not in str(caught.value)
