"""The databases that the tests of the SQL sink use, and helpers to look into them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.pool import NullPool

from pixelmw.sinks.sql import SQL
from tests.support import backends

_numbers = itertools.count(1)
_servers: dict[str, backends.Backend | None] = {}
_STARTING: dict[str, Callable[[], AbstractContextManager[backends.Backend | None]]] = {
    "postgresql": backends.postgres,
    "mariadb": backends.mariadb,
    "sqlite": nullcontext,
}


class Database:
    """A database, with a table name that no other test uses.

    :ivar server: its server, ``None`` for SQLite.
    """

    def __init__(self, kind: str, server: backends.Backend | None, directory: Path) -> None:
        self.kind = kind
        self.server = server
        self.url = server.url if server else f"sqlite:///{directory / 'events.db'}"
        self.new_table()

    def new_table(self) -> None:
        """Choose the name of another table."""
        self.table = f"events_{next(_numbers)}"

    def sink(self, **options: Any) -> SQL:
        """Return a new sink on the table."""
        return SQL(options.pop("url", self.url), options.pop("table", self.table), **options)

    def engine(self, **options: Any) -> Engine:
        """Return an engine as a user would make one."""
        return create_engine(self.url, **options)

    def run(self, statement: str, **parameters: Any) -> list[Any]:
        """Execute a statement on its own connection, and return the rows; with one column, its values."""
        engine = self.engine(poolclass=NullPool)
        with engine.begin() as connection:
            result = connection.execute(text(statement), parameters)
            found = [tuple(row) for row in result] if result.returns_rows else []
        return [row[0] for row in found] if found and len(found[0]) == 1 else found

    def user(self, rights: str) -> URL:
        """Create a user with these rights on the table and no others, and return the URL for that user."""
        role = f"user_{self.table}"
        if self.kind == "postgresql":
            self.run(f"CREATE ROLE {role} LOGIN PASSWORD '{backends.PASSWORD}'")
        else:
            self.run(f"CREATE USER {role}@'%' IDENTIFIED BY '{backends.PASSWORD}'")
            role = f"{role}@'%'"
        self.run(f"GRANT {rights} ON {self.table} TO {role}")
        return make_url(self.url).set(username=f"user_{self.table}")

    def sessions_query(self, user: str) -> str:
        """Return the statement that finds the server's numbers for the connections of a user."""
        if self.kind == "postgresql":
            return f"SELECT pid FROM pg_stat_activity WHERE usename = '{user}'"
        return f"SELECT id FROM information_schema.processlist WHERE user = '{user}'"

    def sessions(self, user: str | None) -> list[int]:
        """Return the server's numbers for the connections of a user."""
        return self.run(self.sessions_query(str(user)))

    @contextmanager
    def holding(self, message_id: str) -> Iterator[None]:
        """Another transaction has this event, so whoever stores it waits; at the end of the block it is rolled back."""
        engine = self.engine(poolclass=NullPool)
        with engine.connect() as connection, connection.begin() as transaction:
            connection.execute(
                text(f"INSERT INTO {self.table} (message_id, body) VALUES (:id, '{{}}')"), {"id": message_id}
            )
            yield
            transaction.rollback()

    def rows(self, columns: str = "message_id") -> list[Any]:
        """Return the rows of the table, sorted; with one column, its values."""
        return sorted(self.run(f"SELECT {columns} FROM {self.table}"))


def from_json(value: Any) -> Any:
    """Return the value of a column of JSON, which some drivers have parsed already."""
    return json.loads(value) if isinstance(value, str) else value


@pytest.fixture(params=["postgresql", "sqlite", "mariadb"])
def server(request: pytest.FixtureRequest) -> tuple[str, backends.Backend | None]:
    """A kind of database, and its server if it has one. All test modules share it; it runs until pytest ends."""
    kind = request.param
    if kind not in _servers:
        running = ExitStack()
        _servers[kind] = running.enter_context(_STARTING[kind]())
        request.config.add_cleanup(running.close)
    return kind, _servers[kind]


#: For tests of what SQLite does not have: users, sessions, outages.
with_server = pytest.mark.parametrize("server", ["postgresql", "mariadb"], indirect=True)


@pytest.fixture
def db(server: tuple[str, backends.Backend | None], tmp_path: Path) -> Database:
    """A database of each kind, with no table yet."""
    return Database(*server, tmp_path)
