"""The SQL sink behind PgBouncer in transaction mode, by a URL alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from pixelmw.sinks.base import Unavailable
from tests.support import databases
from tests.support.backends import Backend
from tests.support.databases import Database
from tests.support.poolers import pgbouncer
from tests.support.processes import event

server, db = databases.server, databases.db
pytestmark = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


@pytest.fixture
def pooler(db: Database) -> Iterator[Backend]:
    assert db.server is not None
    with pgbouncer(db.server) as backend:
        yield backend


@pytest.fixture
def pooled(db: Database, pooler: Backend) -> Database:
    """The database, with the URL of the pooler."""
    db.url = pooler.url
    return db


def test_sinks_that_share_its_connections_store_every_event_once(pooled: Database) -> None:
    with ExitStack() as stack:
        sinks = [stack.enter_context(pooled.sink()) for _ in range(3)]

        # Each statement comes often enough to be prepared, under the same name by each sink.
        def store(number: int) -> None:
            sinks[number % 3](event(f"{number:03}"))

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(store, range(150)))
        for sink in sinks:
            sink.write([event(f"{number:03}") for number in range(140, 160)])
    assert pooled.rows() == [f"{number:03}" for number in range(160)]


def test_a_statement_ends_with_the_time_and_other_clients_keep_theirs(pooled: Database, pooler: Backend) -> None:
    with pooled.sink() as first:
        first(event("1"))
    with pooled.sink(timeout=0.5) as sink:
        with pooled.holding("2"):
            start = time.monotonic()
            with pytest.raises(Unavailable, match="statement timeout"):
                sink(event("2"))
            assert 0.4 < time.monotonic() - start < 2
        sink(event("2"))
        # Of the two connections, each by one of these.
        with psycopg.connect(pooler.url.replace("+psycopg", "")) as one:
            assert one.execute("SHOW statement_timeout").fetchone() == ("0",)
            with psycopg.connect(pooler.url.replace("+psycopg", "")) as other:
                assert other.execute("SHOW statement_timeout").fetchone() == ("0",)
    assert pooled.rows() == ["1", "2"]


def test_a_pooler_that_is_away_is_an_outage(pooled: Database, pooler: Backend) -> None:
    with pooled.sink() as sink:
        sink(event("1"))
        with pooler.down(), pytest.raises(Unavailable):
            sink(event("2"))
        sink(event("3"))
    assert pooled.rows() == ["1", "3"]


def test_a_pooler_of_sessions_is_no_different(db: Database) -> None:
    assert db.server is not None
    with pgbouncer(db.server, mode="session") as backend, db.sink(url=backend.url) as sink:
        for number in range(8):
            sink(event(str(number)))
    assert db.rows() == [str(number) for number in range(8)]


def test_without_a_pooler_the_time_is_set_once_for_the_session_and_statements_are_prepared(db: Database) -> None:
    with db.sink(timeout=7) as sink:
        for number in range(8):
            sink(event(str(number)))
        db.run(f"ALTER TABLE {db.table} ADD timeout text DEFAULT current_setting('statement_timeout')")
        db.run(f"ALTER TABLE {db.table} ADD prepared bigint DEFAULT 0")
        db.run(
            f"CREATE FUNCTION count_{db.table}() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN NEW.timeout = current_setting('statement_timeout');"
            " NEW.prepared = (SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT%');"
            " RETURN NEW; END $$"
        )
        db.run(f"CREATE TRIGGER looks BEFORE INSERT ON {db.table} FOR EACH ROW EXECUTE FUNCTION count_{db.table}()")
        sink(event("9"))
    assert ("9", "7s", 1) in db.rows("message_id, timeout, prepared")
