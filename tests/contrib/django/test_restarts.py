"""The database restarts under load: nothing that was acknowledged is lost, and all goes on by itself."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import databases, django_databases
from tests.support.databases import with_server
from tests.support.django_databases import OrmDatabase
from tests.support.loads import Load
from tests.support.processes import wait_until
from tests.support.servers import running

server, orm = databases.server, django_databases.orm
SOON = 10.0  # seconds from the restart until a spool forwards again
AGES = [0, 600]  # seconds that Django keeps a connection


@pytest.mark.slow
@with_server
@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_model_sink_loses_nothing_and_refuses_only_while_the_database_is_down(
    orm: OrmDatabase, tmp_path: Path, age: int, kill: bool
) -> None:
    assert orm.server is not None
    environ = {"PIXELMW_TEST_DATABASE": json.dumps(orm.entry | {"CONN_MAX_AGE": age})}
    orm.connection.close()
    with ExitStack() as stack:
        port = stack.enter_context(
            running("gunicorn-gthread", "tests.support.django_server_app:application", tmp_path, **environ)
        )
        load = stack.enter_context(Load(port, clients=8))
        load.wait_for(50)
        assert not load.refused
        with orm.server.down(kill=kill):
            wait_until(lambda: len(load.refused) > 20)
        while_down = {*load.offered}
        load.wait_for(200)
        refused = set(load.refused) - while_down
    assert not refused
    assert set(load.acknowledged) <= set(orm.rows())


@pytest.mark.slow
@with_server
@pytest.mark.parametrize("age", AGES)
def test_a_spool_accepts_all_along_and_forwards_again_soon(orm: OrmDatabase, tmp_path: Path, age: int) -> None:
    assert orm.server is not None
    environ = {"PIXELMW_TEST_DATABASE": json.dumps(orm.entry | {"CONN_MAX_AGE": age})}
    environ["PIXELMW_TEST_SPOOL"] = str(tmp_path / "spool")
    orm.connection.close()
    with ExitStack() as stack:
        port = stack.enter_context(
            running("gunicorn-gthread", "tests.support.django_server_app:application", tmp_path, **environ)
        )
        load = stack.enter_context(Load(port, clients=4))
        load.wait_for(50)
        wait_until(orm.rows)
        orm.connection.close()
        with orm.server.down():
            load.wait_for(100)
        before = len(orm.rows())
        wait_until(lambda: len(orm.rows()) > before, SOON)
        load.wait_for(50)
        assert not load.refused
        load.port = 0
        wait_until(lambda: set(load.acknowledged) <= set(orm.rows()), 60)
    assert len(orm.rows()) == len(set(orm.rows()))


@pytest.mark.slow
@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_with_a_pool_of_connections_all_wait_until_it_is_back(orm: OrmDatabase, tmp_path: Path, kill: bool) -> None:
    """A pool gives up after 30 seconds, and this takes less. All of its connections are dead then."""
    assert orm.server is not None
    environ = {"PIXELMW_TEST_DATABASE": json.dumps(orm.entry | {"OPTIONS": {"pool": True}})}
    orm.connection.close()
    with ExitStack() as stack:
        port = stack.enter_context(
            running("gunicorn-gthread", "tests.support.django_server_app:application", tmp_path, **environ)
        )
        load = stack.enter_context(Load(port, clients=8))
        for _ in range(2):
            load.wait_for(50)
            with orm.server.down(kill=kill):
                pass
        load.wait_for(50)
    assert not load.refused
    assert set(load.acknowledged) <= set(orm.rows())
