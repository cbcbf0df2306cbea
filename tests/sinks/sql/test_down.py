"""The SQL sink while its database is down, silent or busy, and how long it waits."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pixelmw.sinks.base import Unavailable
from pixelmw.sinks.sql import SQL
from pixelmw.sinks.sql import sink as sql_sink
from tests.support import databases
from tests.support.backends import silent
from tests.support.databases import Database, with_server
from tests.support.processes import event, wait_until

server, db = databases.server, databases.db


# --- outages ---


@with_server
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_a_server_that_is_down_makes_the_sink_unavailable_until_it_is_up_again(db: Database, kill: bool) -> None:
    assert db.server is not None
    with db.sink() as sink:
        sink(event("1"))
        with db.server.down(kill=kill):
            for _ in range(3):
                with pytest.raises(Unavailable):
                    sink.write([event("2"), event("3")])
        sink.write([event("3"), event("4")])
    assert db.rows() == ["1", "3", "4"]


@with_server
def test_what_was_accepted_under_load_is_there_after_a_kill(db: Database) -> None:
    assert db.server is not None
    accepted: list[str] = []

    def store(name: str) -> None:
        for number in range(100_000):
            try:
                sink(event(f"{name}-{number}"))
            except Unavailable:
                return
            accepted.append(f"{name}-{number}")

    with db.sink() as sink:
        threads = [threading.Thread(target=store, args=[name]) for name in "abcd"]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(accepted) > 200)
        with db.server.down():
            for thread in threads:
                thread.join()
        assert set(accepted) <= set(db.rows())
        sink(event("last"))
    assert "last" in db.rows()


@with_server
def test_a_connection_that_the_server_ended_is_replaced_without_a_failure(db: Database) -> None:
    with db.sink() as sink:
        sink(event("1"))
    url = db.user("ALL")
    with db.sink(url=url) as sink:
        sink(event("2"))
        [session] = db.sessions(url.username)
        db.run(f"SELECT pg_terminate_backend({session})" if db.kind == "postgresql" else f"KILL {session}")
        wait_until(lambda: not db.sessions(url.username))
        sink(event("3"))
    assert db.rows() == ["1", "2", "3"]


@with_server
def test_a_connection_is_kept_but_not_for_so_long_that_a_gateway_has_forgotten_it(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.sink() as sink:
        sink(event("1"))
    url = db.user("ALL")
    used = []
    for age, number in ((sql_sink.MAX_AGE, 2), (0, 5)):
        monkeypatch.setattr(sql_sink, "MAX_AGE", age)
        with db.sink(url=url) as sink:
            for each in range(3):
                sink(event(f"{number + each}"))
                used += db.sessions(url.username)
    assert len(set(used[:3])) == 1
    assert len(set(used[3:])) == 3
    assert len(db.rows()) == 7


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_connection_to_what_became_a_replica_is_not_kept(db: Database) -> None:
    with db.sink() as sink:
        sink(event("1"))
    url = db.user("INSERT, SELECT")
    with db.sink(url=url) as sink:
        db.run(f"ALTER ROLE {url.username} SET default_transaction_read_only = on")  # in new sessions
        with pytest.raises(Unavailable, match="read-only"):
            sink(event("2"))
        db.run(f"ALTER ROLE {url.username} RESET default_transaction_read_only")
        sink(event("3"))
    assert db.rows() == ["1", "3"]


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_database_that_was_deleted_is_created_again_by_the_second_event(db: Database) -> None:
    with db.sink() as sink:
        sink(event("1"))
        Path(str(make_url(db.url).database)).unlink()
        with pytest.raises(Unavailable):
            sink(event("2"))
        sink(event("3"))
    assert db.rows() == ["3"]


# --- patience ---


# psycopg waits for at least two seconds.
@pytest.mark.parametrize(("driver", "longest"), [("postgresql+psycopg", 4), ("mariadb+pymysql", 2)])
def test_a_server_that_says_nothing_is_unavailable_within_the_timeout(driver: str, longest: float) -> None:
    start = time.monotonic()
    with silent() as port, SQL(f"{driver}://user@127.0.0.1:{port}/x", timeout=0.3) as sink, pytest.raises(Unavailable):
        sink(event("1"))
    assert 0.2 < time.monotonic() - start < longest


def test_a_timeout_in_the_url_stands() -> None:
    start = time.monotonic()
    with silent() as port, pytest.raises(Unavailable):
        SQL(f"mariadb+pymysql://user@127.0.0.1:{port}/x?read_timeout=1", timeout=20)(event("1"))
    assert 0.9 < time.monotonic() - start < 5


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_server_that_falls_silent_is_unavailable_within_the_timeout(db: Database) -> None:
    assert db.server is not None
    with db.sink(timeout=1.5) as sink:
        sink(event("1"))
        with db.server.hanging(), pytest.raises(Unavailable, match=r"nothing answered within 1\.5 seconds"):
            sink(event("2"))  # the connection that is open has had all of the time, and no other one is opened
        sink(event("3"))
    assert {"1", "3"} <= set(db.rows())


def test_a_row_that_somebody_has_locked_is_waited_for_no_longer_than_the_timeout(db: Database) -> None:
    with db.sink() as first:
        first(event("1"))
    engine = db.engine()
    with db.sink(timeout=0.5) as sink:
        with engine.connect() as other:
            other.exec_driver_sql(f"INSERT INTO {db.table} (message_id, body) VALUES ('2', '{{}}')")
            start = time.monotonic()
            with pytest.raises(Unavailable):
                sink(event("2"))
            assert 0.4 < time.monotonic() - start < 2
        sink(event("2"))
    engine.dispose()
    assert db.rows() == ["1", "2"]


@with_server
def test_a_pool_of_yours_that_is_empty_makes_the_sink_unavailable(db: Database) -> None:
    engine = db.engine(pool_size=1, max_overflow=0, pool_timeout=0.1)
    sink = db.sink(url=engine)
    with engine.connect(), pytest.raises(Unavailable, match="QueuePool limit"):
        sink(event("1"))
    sink(event("2"))
    engine.dispose()
    assert db.rows() == ["2"]
