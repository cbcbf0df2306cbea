"""Whose fault the SQL sink says a failure is, what it says an operator has to do, and what it does not say."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from pixelmw.sinks.base import SinkError, Unavailable, Undeliverable, is_down, store
from tests.support import databases
from tests.support.backends import PASSWORD
from tests.support.databases import Database, with_server
from tests.support.markers import FORGED, give_marked, nothing_shows
from tests.support.processes import event

server, db = databases.server, databases.db


def made(db: Database) -> Database:
    """*db*, with the sink's table in it."""
    with db.sink() as sink:
        sink(event("0"))
    return db


# --- the client ---


@with_server
def test_a_login_that_is_wrong_is_unavailable_and_says_what_to_mend(db: Database) -> None:
    for url in (make_url(db.url).set(password="let-me-in"), make_url(db.url).set(username="nobody")):
        with db.sink(url=url) as sink, pytest.raises(Unavailable, match="mend the user, the password") as caught:
            sink.write([event("1"), event("2")])
        assert "let-me-in" not in str(caught.value)
        assert PASSWORD not in str(caught.value)


@with_server
@pytest.mark.parametrize("rights", ["SELECT", "INSERT"])
def test_a_right_that_is_missing_is_unavailable_until_it_is_granted(db: Database, rights: str) -> None:
    url = made(db).user(rights)
    with db.sink(url=url) as sink:
        with pytest.raises(Unavailable, match=f"grant it INSERT and SELECT on {db.table}"):
            sink.write([event("1"), event("2")])
        whom = url.username if db.kind == "postgresql" else f"{url.username}@'%'"
        db.run(f"GRANT INSERT, SELECT{', UPDATE' * (db.kind == 'mariadb')} ON {db.table} TO {whom}")
        sink(event("1"))
    assert db.rows() == ["0", "1"]


# docs/howto/destinations.rst names them.
LEAST_RIGHTS = {
    "postgresql": "INSERT, SELECT (message_id)",
    "mariadb": "INSERT, SELECT (message_id), UPDATE",  # of all columns, though only the key is named
}


@with_server
def test_a_user_with_the_least_rights_stores_each_event_once(db: Database) -> None:
    url = made(db).user(LEAST_RIGHTS[db.kind])
    with db.sink(url=url) as sink:
        sink(event("1"))
        sink.write([event("1"), event("2")])
        assert sink.stats() == {"repeated": 1}
    assert db.rows() == ["0", "1", "2"]


@with_server
def test_a_table_that_is_missing_and_may_not_be_made_is_unavailable(db: Database) -> None:
    url = made(db).user("INSERT, SELECT")
    db.new_table()
    if db.kind == "postgresql":
        db.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    with db.sink(url=url) as sink, pytest.raises(Unavailable, match=r"grant"):
        sink(event("1"))


@with_server
def test_a_database_that_is_missing_is_unavailable(db: Database) -> None:
    url = make_url(db.url).set(database="nowhere")
    with db.sink(url=url) as sink, pytest.raises(Unavailable, match="the database is not there: create it"):
        sink(event("1"))


@with_server
@pytest.mark.parametrize(
    "change",
    ["ADD extra INTEGER NOT NULL", "DROP COLUMN received_at"],
    ids=["a column too many", "a column too few"],
)
def test_a_table_of_another_shape_is_no_fault_of_the_events(db: Database, change: str) -> None:
    db.run(f"DELETE FROM {made(db).table}")
    db.run(f"ALTER TABLE {db.table} {change}")
    with db.sink() as sink, pytest.raises(Unavailable, match=f"{db.table} has other columns than the sink's"):
        sink.write([event("1"), event("2")])


# --- the data ---

# How a database comes to quote a row: what is done to the table first, in PostgreSQL and in MariaDB.
QUOTES = {
    "a check": ("ADD CHECK (user_id = 'nobody')", "ADD CHECK (user_id = 'nobody')"),
    "a number": ("ALTER user_id TYPE integer USING 1", "MODIFY user_id integer"),
    "a short text": ("ALTER event TYPE varchar(5)", "MODIFY event varchar(5)"),
    "a date": ("ALTER user_id TYPE date USING now()", "MODIFY user_id date"),
}


@with_server
@pytest.mark.parametrize("change", QUOTES)
def test_a_row_that_the_database_refuses_shows_nowhere(
    db: Database, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    db.run(f"DELETE FROM {made(db).table}")
    db.run(f"ALTER TABLE {db.table} {QUOTES[change][db.kind == 'mariadb']}")
    with nothing_shows(caplog), db.sink() as sink:
        assert give_marked(sink)
        with pytest.raises(Undeliverable) as caught:
            sink(event("1") | {"event": f"あ{FORGED}", "userId": "あ"})
    assert "\n" not in str(caught.value)


@with_server
def test_what_a_trigger_raises_is_neither_an_outage_nor_the_events_fault_for_sure(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    made(db)
    if db.kind == "postgresql":
        db.run(
            f"CREATE FUNCTION refuse_{db.table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF NEW.user_id IS NOT NULL THEN RAISE EXCEPTION 'no % here', NEW.user_id; END IF; RETURN NEW; END $$"
        )
        db.run(f"CREATE TRIGGER r BEFORE INSERT ON {db.table} FOR EACH ROW EXECUTE FUNCTION refuse_{db.table}()")
    else:
        db.run(
            f"CREATE TRIGGER refuse_{db.table} BEFORE INSERT ON {db.table} FOR EACH ROW IF NEW.user_id IS NOT NULL"
            " THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = NEW.user_id; END IF"
        )
    with nothing_shows(caplog), db.sink() as sink:
        for error in give_marked(sink):
            assert isinstance(error, SinkError)
            assert not is_down(error)
            assert not isinstance(error, Undeliverable)
        sink(event("1"))
    assert db.rows() == ["0", "1"]


# What a server says for a while, though it lets one in: a node of Galera that is no part of the cluster now, a
# shutdown, limits of memory, time and queries, a deadlock, a full disk, one that was started read-only, and what
# ProxySQL says while no server is behind it.
@pytest.mark.parametrize("number", [1047, 1053, 1037, 1969, 1226, 1213, 1205, 1030, 1290, 9001])
@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_what_a_server_says_for_a_while_is_no_verdict_on_an_event(db: Database, number: int) -> None:
    made(db)
    db.run(
        f"CREATE TRIGGER says_{db.table} BEFORE INSERT ON {db.table} FOR EACH ROW"
        f" SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'not now'"
    )
    with db.sink() as sink:
        for batch in ([event("1")], [event("2"), event("3")]):
            with pytest.raises(Unavailable, match="not now"):
                store(sink, batch)
        db.run(f"DROP TRIGGER says_{db.table}")
        sink(event("4"))
    assert db.rows() == ["0", "4"]
