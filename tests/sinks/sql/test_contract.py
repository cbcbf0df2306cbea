"""The sink contract, held by the SQL sink on real servers and on a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.sinks.sql import SQL
from pixelmw.testing import SinkContract
from tests.support import databases
from tests.support.databases import Database, from_json

server, db = databases.server, databases.db


class _Table(SinkContract):
    __test__ = False
    stores_once = survives_fork = True

    @pytest.fixture
    def sink(self, db: Database) -> Iterator[SQL]:
        with db.sink() as sink:
            yield sink

    @pytest.fixture
    def read_back(self, db: Database) -> Callable[[], list[Event]]:
        return lambda: [from_json(body) for body in db.run(f"SELECT body FROM {db.table} ORDER BY received_at")]


class _OnServer(_Table):
    __test__ = False

    @pytest.fixture
    def break_it(self, db: Database) -> Callable[[], AbstractContextManager[object]]:
        assert db.server is not None
        return db.server.down


def nested(depth: int) -> dict[str, Any]:
    """Return a dict with so many dicts in it, one in the other."""
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
class TestPostgreSQL(_OnServer):
    refuses = {"properties": {"nul": "\0"}}  # noqa: RUF012 - nobody changes it


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
class TestMariaDB(_OnServer):
    refuses = {"properties": nested(40)}  # noqa: RUF012 - nobody changes it


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
class TestSQLiteByURL(_Table):
    """For a file; the events of a server's sink are no others."""
