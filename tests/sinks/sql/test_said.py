"""The messages of the SQL sink: what it refuses at construction, and which secrets no message shows."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import pytest
from pymysql.err import OperationalError
from sqlalchemy import make_url

from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable, store
from pixelmw.sinks.data_errors import is_data_error
from pixelmw.sinks.sql import SQL
from pixelmw.sinks.sql.drivers import timeout_arguments
from tests.support import databases
from tests.support.backends import PASSWORD
from tests.support.databases import Database, with_server
from tests.support.markers import FORGED, assert_unmarked, nothing_shows
from tests.support.ports import free_port
from tests.support.processes import event, run

server, db = databases.server, databases.db


def said(error: BaseException) -> str:
    """Return everything that a log would show of an error."""
    return "".join(traceback.format_exception(error))


# --- secrets ---


@with_server
def test_the_password_does_not_show_while_the_server_is_down(db: Database) -> None:
    assert db.server is not None
    engine = db.engine()
    with db.sink() as by_url, db.sink(url=engine) as by_engine, db.server.down(kill=False):
        for sink in (by_url, by_engine):
            with pytest.raises(Unavailable, match=r"\*\*\*") as caught:
                sink(event("1"))
            assert PASSWORD not in said(caught.value) + repr(sink)


@with_server
def test_a_password_that_is_wrong_makes_the_sink_unavailable_and_does_not_show(db: Database) -> None:
    with db.sink(url=make_url(db.url).set(password="let-me-in")) as sink:
        with pytest.raises(Unavailable, match=r"(?i)password") as caught:
            sink(event("1"))
        assert "let-me-in" not in said(caught.value) + repr(sink)


def test_servers_that_the_query_names_show_and_a_password_there_does_not() -> None:
    query = "host=db1:5432&host=db2:5432&password=open-sesame&sslpassword=open-sesame&target_session_attrs=read-write"
    shown = repr(SQL(f"postgresql+psycopg://pixel@/events?{query}"))
    assert "db1" in shown
    assert "db2" in shown
    assert "sesame" not in shown


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_of_several_servers_the_one_that_takes_writes_is_found(db: Database) -> None:
    assert db.server is not None
    name = make_url(db.url)
    address = f"host=127.0.0.1:{free_port()}&host=127.0.0.1:{db.server.port}&target_session_attrs=read-write"
    with db.sink(url=f"postgresql+psycopg://{name.username}:{name.password}@/{name.database}?{address}") as sink:
        sink(event("1"))
    assert db.rows() == ["1"]


def test_an_event_does_not_show_in_an_error(db: Database) -> None:
    engine = db.engine()
    whole = {"messageId": "1", "event": "secret", "properties": {"a": "secret"}}
    with db.sink() as by_url, db.sink(url=engine) as by_engine:
        for sink in (by_url, by_engine):
            sink(event("0"))
            db.run(f"DROP TABLE {db.table}")
            with pytest.raises(Unavailable, match=db.table) as caught:
                sink(whole)
            assert "secret" not in said(caught.value)
            with pytest.raises(Undeliverable) as told:
                sink({**whole, "a": float("nan")})
            assert "secret" not in said(told.value)
    engine.dispose()


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_a_key_of_a_row_that_collides_does_not_show(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    with db.sink() as sink:
        sink(event("0"))
        db.run(f"CREATE UNIQUE INDEX ON {db.table} (user_id)")
        rows = [event(message_id) | {"userId": FORGED} for message_id in "12"]
        with nothing_shows(caplog), pytest.raises(PartialFailure, match="user_id_idx") as caught:
            store(sink, rows)
        assert_unmarked(said(caught.value))


def test_an_event_does_not_show_in_sqlalchemys_own_log(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "sqlalchemy.engine"), db.sink() as sink:
        sink({"messageId": "1", "event": "secret"})
    assert "INSERT INTO" in caplog.text
    assert "secret" not in caplog.text


def test_a_password_in_the_query_of_a_url_does_not_show() -> None:
    sink = SQL(f"postgresql+psycopg://user@127.0.0.1/x?password={PASSWORD}", "analytics.pixel")
    assert repr(sink) == "SQL('postgresql+psycopg://user@127.0.0.1/x', table='analytics.pixel')"


@pytest.mark.parametrize(
    ("number", "blames"), [(4025, True), (3819, True), (3157, True), (1205, False), (2013, False), (1290, False)]
)
def test_an_error_number_says_that_the_data_is_at_fault_if_the_driver_gives_no_sqlstate(
    number: int, blames: bool
) -> None:
    assert is_data_error(OperationalError(number, "as PyMySQL says it")) is blames


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        ("mysqldb", {"connect_timeout": 2, "write_timeout": 2, "charset": "utf8mb4"}),
        ("mariadbconnector", {"connect_timeout": 2, "write_timeout": 2}),
        ("pg8000", {}),
    ],
)
def test_a_driver_gets_the_timeouts_that_the_url_does_not_set_by_its_own_names(
    driver: str, expected: dict[str, object]
) -> None:
    assert timeout_arguments(driver, {"read_timeout": "9"}, 1.5) == expected


# --- arguments ---


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "oracle+oracledb://u:open-sesame@h/x",
            "oracle is not supported; these are: postgresql, sqlite, mariadb, mysql",
        ),
        ("postgres://u:open-sesame@h/x", "postgres is not supported"),
        ("open-sesame", "no URL of a database"),
        ("postgresql+psycopg://u:open-sesame@h:port/x", "no URL of a database"),
        ("postgresql+asyncpg://u:open-sesame@h/x", "async"),
        ("postgresql+nothing://u:open-sesame@h/x", "knows no driver postgresql.nothing"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_a_url_that_cannot_work_is_refused_at_once(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        SQL(url)
    assert PASSWORD not in said(caught.value)


def test_what_is_neither_a_url_nor_an_engine_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="not PosixPath"):
        SQL(Path("events.db"))  # type: ignore[arg-type]


def test_a_timeout_that_makes_no_sense_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="timeout=0"):
        SQL("sqlite:///events.db", timeout=0)


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a;b", 'a"b', "a`b", "a.b.c", ".a", "a.", "1a", "ä", "a" * 64, "a\n", "a-b", "x; DROP TABLE x", "%s"],
)
def test_a_table_whose_name_is_not_plain_is_refused_at_once(name: str) -> None:
    with pytest.raises(ValueError, match="is not a plain name"):
        SQL("sqlite:///events.db", name)


_WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None
try:
    from pixelmw.sinks.sql import SQL
    SQL("mariadb+pymysql://host/name")
except ImportError as error:
    print(error)
"""


def test_a_missing_driver_shows_at_construction() -> None:
    assert "pymysql" in run(_WITHOUT, "pymysql")
