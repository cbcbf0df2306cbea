"""The outages of the tests' own database servers: each has begun when the test goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.support import databases, process_tree
from tests.support.backends import Backend, redis_server
from tests.support.databases import Database, with_server
from tests.support.process_tree import Process, family
from tests.support.processes import out, start

server, db = databases.server, databases.db
pytestmark = pytest.mark.slow

CONNECTIONS = 40


@contextmanager
def crowded(db: Database) -> Iterator[Backend]:
    """The server with many connections: MariaDB has a thread for each, PostgreSQL a process."""
    assert db.server is not None
    engine = db.engine(pool_size=CONNECTIONS)
    with ExitStack() as connections:
        for _ in range(CONNECTIONS):
            connections.enter_context(engine.connect())
        yield db.server
    engine.dispose()


def states(processes: list[Process]) -> list[str]:
    """The states of their tasks; of what has ended, nothing."""
    return [state for process in processes for state in process.states().values() if state != "Z"]


@with_server
def test_a_server_hangs_once_all_its_threads_and_processes_have_stopped(db: Database) -> None:
    with crowded(db) as server:
        processes = family(server.pid)
        with server.hanging():
            found = states(processes)
        assert len(found) > CONNECTIONS
        assert set(found) == {"T"}
    assert db.run("SELECT 1") == [1]


@with_server
def test_of_a_server_that_was_killed_nothing_is_left(db: Database) -> None:
    with crowded(db) as server:
        processes = family(server.pid)
        assert len(states(processes)) > CONNECTIONS
        with server.down(kill=True):
            assert states(processes) == []
    assert db.run("SELECT 1") == [1]


def test_where_no_process_shows_a_server_can_be_killed_and_a_test_with_one_that_hangs_is_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process_tree, "VISIBLE", False)
    with redis_server() as server:
        with server.down(kill=True):
            pass
        with pytest.raises((pytest.skip.Exception, pytest.fail.Exception), match="does not show"), server.hanging():
            pass


# The name of a process may hold anything; here, what looks like the rest of its stat.
_NAMED = """
from pathlib import Path
import subprocess, sys
Path("/proc/self/comm").write_text(") T 1 (")
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
print("named", flush=True)
input()
child.communicate()
"""


def test_a_process_is_known_whatever_its_name_is() -> None:
    with start(_NAMED) as parent:
        assert out(parent).readline() == "named\n"
        both = family(parent.pid)
        assert [process.pid for process in both][:1] == [parent.pid]
        assert len(both) == 2
        assert set(states(both)) <= {"R", "S"}
        with process_tree.stopped(parent.pid) as stopped:
            assert stopped == both
            assert states(both) == ["T", "T"]
        parent.communicate("\n", timeout=20)
    assert states(both) == []


def test_what_was_killed_is_gone_with_its_children() -> None:
    with start(_NAMED) as parent:
        assert out(parent).readline() == "named\n"
        both = family(parent.pid)
        process_tree.kill(parent.pid)
        assert states(both) == []
