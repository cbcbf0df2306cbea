"""The SQL sink and forks, and on an engine that the application uses too."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import make_url
from sqlalchemy.pool import QueuePool

from pixelmw.sinks.base import Unavailable, Undeliverable
from pixelmw.system.close_when_idle import CloseWhenIdle
from tests.support import databases
from tests.support.databases import Database, with_server
from tests.support.processes import event, run, store_while_closing, wait_until

server, db = databases.server, databases.db

# uWSGI forks in C, and Python's hooks are not called. Each child ends as a program does, destructors and all.
_FORKS = """
import ctypes, os, signal, sys, warnings
from pixelmw.sinks.sql import SQL
from tests.support.processes import event, wait_until
from sqlalchemy import create_engine

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later, on a fork beside threads
signal.alarm(30)
url, table, url_of_the_sink, sessions_of_the_sink = sys.argv[1:]
engine = create_engine(url)  # it does not replace a connection that a child process has spoiled
sinks = {"url": SQL(url_of_the_sink, table, timeout=20), "engine": SQL(engine, table)}

def store(name):
    for kind, sink in sinks.items():
        sink(event(f"{kind}-{name}"))
        os.write(1, f"{kind}-{name}\\n".encode())

def child(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def sessions():
    # That of this process's engine, and all those of the user as whom the other sink connects.
    if engine.name == "sqlite":
        return os.getpid(), set()
    session = {"postgresql": "pg_backend_pid()", "mariadb": "connection_id()"}[engine.name]
    with engine.connect() as connection:
        of_the_engine = connection.exec_driver_sql(f"SELECT {session}").scalar()
        return of_the_engine, {row[0] for row in connection.exec_driver_sql(sessions_of_the_sink)}

sessions()  # the application has used its engine before the sink does
store("parent")
before = sessions()
assert len(before[1]) == (engine.name != "sqlite")
for number, fork in enumerate([os.fork, ctypes.PyDLL(None).fork]):
    pid = fork()
    if pid == 0:
        store(f"child-{number}")
        own = sessions()
        assert own[0] != before[0]
        assert len(own[1] - before[1]) == len(before[1])
        grandchild = fork()
        if grandchild == 0:
            store(f"grandchild-{number}")
            sys.exit()
        store(f"child-{number}-again")
        assert child(grandchild) == 0
        wait_until(lambda: sessions() == own)
        sys.exit()
    store(f"parent-{number}")
    assert child(pid) == 0
    store(f"parent-{number}-again")
    wait_until(lambda: sessions() == before)
"""


@pytest.mark.slow
def test_parent_and_child_both_store_and_neither_spoils_the_others_connections(db: Database) -> None:
    # SQLite has no users and no sessions; there, each process counts as a session.
    url, sessions = db.url, ""
    if db.server is not None:
        with db.sink() as sink:
            sink.write([event("before")])
        user = db.user("ALL")
        url, sessions = user.render_as_string(hide_password=False), db.sessions_query(str(user.username))
        db.run(f"DELETE FROM {db.table}")
    acknowledged = run(_FORKS, db.url, db.table, url, sessions)
    assert len(acknowledged) == 2 * (1 + 2 * 5)
    assert db.rows() == sorted(acknowledged)


# --- engines and connections ---


@with_server
def test_an_engine_of_yours_is_used_and_left_open(db: Database) -> None:
    engine = db.engine(pool_size=1, max_overflow=0)
    with db.sink(url=engine) as sink:
        sink(event("1"))
        with engine.connect() as connection:
            assert connection.exec_driver_sql(f"SELECT message_id FROM {db.table}").scalar() == "1"
    assert isinstance(engine.pool, QueuePool)
    assert engine.pool.checkedin() == 1
    sink(event("2"))
    engine.dispose()
    assert db.rows() == ["1", "2"]


@with_server
def test_a_closed_sink_holds_no_connection_and_opens_one_for_the_next_event(db: Database) -> None:
    with db.sink() as sink:
        sink(event("1"))
    url = db.user("ALL")
    with db.sink(url=url) as sink:
        sink(event("2"))
        assert len(db.sessions(url.username)) == 1
        sink.close()
        wait_until(lambda: not db.sessions(url.username))
        sink(event("3"))
    assert db.rows() == ["1", "2", "3"]


@with_server
def test_closing_waits_for_a_connection_that_is_in_use(db: Database) -> None:
    with db.sink() as sink:
        sink(event("1"))
    url = db.user("ALL")
    with db.sink(url=url, timeout=20) as sink, ThreadPoolExecutor(1) as threads:
        with db.holding("2"):
            slow = threads.submit(sink, event("2"))
            wait_until(lambda: db.sessions(url.username))
            with pytest.raises(Unavailable, match=r"was busy for 0\.1 seconds"):
                sink.close(0.1)
            sink(event("3"))
            assert not slow.done()
        slow.result(20)
    wait_until(lambda: not db.sessions(url.username))
    assert db.rows() == ["1", "2", "3"]


def test_what_threads_share_is_closed_by_the_last_thread_that_uses_it() -> None:
    closed: list[str] = []
    shared = CloseWhenIdle("pool", closed.append)
    with shared:
        with shared:
            shared.close()
        assert closed == []
    assert closed == ["pool"]


def test_a_sink_that_stored_nothing_can_be_closed(db: Database) -> None:
    sink = db.sink()
    sink.close()
    sink.close()


@pytest.mark.slow
def test_a_sink_may_be_closed_while_other_threads_use_it(db: Database) -> None:
    sink = db.sink(timeout=30)
    expected = store_while_closing(sink)
    assert db.rows() == expected


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_a_character_that_the_connection_of_your_engine_lacks_is_undeliverable(db: Database) -> None:
    engine = db.engine(connect_args={"charset": "latin1"})
    with db.sink(url=engine) as sink:
        with pytest.raises(Undeliverable):
            sink({"messageId": "1", "event": "😀"})
        sink({"messageId": "2", "event": "é"})
    engine.dispose()
    assert db.rows("message_id, event") == [("2", "é")]


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_the_sinks_own_connection_speaks_utf_8_whatever_the_url_says(db: Database) -> None:
    with db.sink(url=make_url(db.url).update_query_dict({"charset": "latin1"})) as sink:
        sink({"messageId": "1", "event": "😀"})
    assert db.rows("event") == ["😀"]


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_what_the_url_says_about_timeouts_stands(db: Database) -> None:
    options = "-c statement_timeout=1234 -c application_name=pixels"
    url = make_url(db.url).update_query_dict({"options": options, "connect_timeout": "7"})
    with db.sink() as sink:
        sink(event("1"))
    for name in ("statement_timeout", "application_name"):
        db.run(f"ALTER TABLE {db.table} ADD COLUMN {name} TEXT DEFAULT current_setting('{name}')")
    db.run(f"DELETE FROM {db.table}")
    with db.sink(url=url) as sink:
        sink(event("2"))
    assert db.rows("statement_timeout, application_name") == [("1234ms", "pixels")]
