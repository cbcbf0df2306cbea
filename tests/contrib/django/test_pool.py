"""With ``OPTIONS["pool"]``, Django takes PostgreSQL's connections from a pool: each goes back there, and works."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.contrib.django import with_connections
from pixelmw.contrib.django.models import PixelEvent
from tests.support import backends, databases
from tests.support.django_databases import OrmDatabase
from tests.support.processes import event

server = databases.server
pytestmark = pytest.mark.parametrize("server", ["postgresql"], indirect=True)
SIZE = 4
# A connection that a thread kept would be missed soon: the others wait for it this long.
OPTIONS = {"pool": {"min_size": SIZE, "max_size": SIZE, "timeout": 5}}


@pytest.fixture
def orm(server: tuple[str, backends.Backend | None], tmp_path: Path) -> Iterator[OrmDatabase]:
    database = OrmDatabase(*server, tmp_path, OPTIONS=OPTIONS)
    database.connection.close()
    yield database
    database.forget()
    database.connection.close_pool()


def store_from_threads(sink: Any, name: str) -> list[str]:
    """Store events from twice as many threads as the pool has connections; returns the ids of all."""
    ids = [f"{name}-{number}" for number in range(SIZE * 20)]
    with ThreadPoolExecutor(SIZE * 2) as threads:
        list(threads.map(lambda message_id: sink(event(message_id)), ids))
    return ids


@pytest.mark.parametrize("kind", ["ModelSink", "with_connections"])
def test_every_connection_goes_back_as_it_was(orm: OrmDatabase, kind: str) -> None:
    """https://github.com/procrastinate-org/procrastinate/issues/1134: a thread's calls used the pool up."""

    def create(stored: Event) -> None:
        PixelEvent.objects.using(orm.alias).create(message_id=stored["messageId"], body=stored)

    sink = orm.sink() if kind == "ModelSink" else with_connections(create)
    ids = store_from_threads(sink, kind)
    stats = orm.connection.pool.get_stats()
    assert stats.get("returns_bad", 0) == 0
    assert stats["connections_num"] == SIZE
    assert orm.rows() == sorted(ids)


def test_a_restart_of_the_server_costs_no_event(orm: OrmDatabase) -> None:
    """All connections of the pool are dead then, and nobody has asked for checks of their health."""
    assert orm.server is not None
    before = store_from_threads(orm.sink(), "before")
    with orm.server.down():
        pass
    after = store_from_threads(orm.sink(), "after")
    assert orm.rows() == sorted(before + after)
