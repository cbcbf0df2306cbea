"""The databases that the tests of the SQL sink store in, and what is stored there."""

from __future__ import annotations

import itertools
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import backends
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.pool import NullPool

from pixelmw.sinks.sql import SQL

_numbers = itertools.count(1)
_servers: dict[str, backends.Backend | None] = {}


class Database:
    """A database, and in it the name of a table that no other test has.

    :ivar server: its server, ``None`` for SQLite.
    """

    def __init__(self, kind: str, server: backends.Backend | None, directory: Path) -> None:
        self.kind = kind
        self.server = server
        self.url = server.url if server else f"sqlite:///{directory / 'events.db'}"
        self.new_table()

    def new_table(self) -> None:
        """Go on with another table."""
        self.table = f"events_{next(_numbers)}"

    def sink(self, **options: Any) -> SQL:
        """A new sink on the table."""
        return SQL(options.pop("url", self.url), options.pop("table", self.table), **options)

    def engine(self, **options: Any) -> Engine:
        """An engine as a user would make one."""
        return create_engine(self.url, **options)

    def run(self, statement: str, **parameters: Any) -> list[Any]:
        """What a statement gives, on a connection of its own; of one column, the values."""
        engine = self.engine(poolclass=NullPool)
        with engine.begin() as connection:
            result = connection.execute(text(statement), parameters)
            found = [tuple(row) for row in result] if result.returns_rows else []
        return [row[0] for row in found] if found and len(found[0]) == 1 else found

    def user(self, rights: str) -> URL:
        """The URL for a new user, who has these rights on the table and no others."""
        role = f"user_{self.table}"
        if self.kind == "postgresql":
            self.run(f"CREATE ROLE {role} LOGIN PASSWORD '{backends.PASSWORD}'")
        else:
            self.run(f"CREATE USER {role}@'%' IDENTIFIED BY '{backends.PASSWORD}'")
            role = f"{role}@'%'"
        self.run(f"GRANT {rights} ON {self.table} TO {role}")
        return make_url(self.url).set(username=f"user_{self.table}")

    def sessions(self, user: str | None) -> list[int]:
        """The server's numbers for the connections of a user."""
        if self.kind == "postgresql":
            return self.run("SELECT pid FROM pg_stat_activity WHERE usename = :user", user=user)
        return self.run("SELECT id FROM information_schema.processlist WHERE user = :user", user=user)

    def rows(self, columns: str = "message_id") -> list[Any]:
        """What is in the table, sorted."""
        return sorted(self.run(f"SELECT {columns} FROM {self.table}"))


def from_json(value: Any) -> Any:
    """A column of JSON, which some drivers parse."""
    return json.loads(value) if isinstance(value, str) else value


@pytest.fixture(params=["postgresql", "sqlite", "mariadb"])
def server(request: pytest.FixtureRequest) -> tuple[str, backends.Backend | None]:
    """A kind of database, and its server where it has one: all modules share it, and it runs until pytest ends."""
    kind = request.param
    if kind not in _servers:
        starting = {"postgresql": backends.postgres, "mariadb": backends.mariadb, "sqlite": nullcontext}[kind]()
        _servers[kind] = starting.__enter__()
        request.config.add_cleanup(lambda: starting.__exit__(None, None, None))
    return kind, _servers[kind]


#: For tests of what SQLite has not: users, sessions, outages.
with_server = pytest.mark.parametrize("server", ["postgresql", "mariadb"], indirect=True)


@pytest.fixture
def db(server: tuple[str, backends.Backend | None], tmp_path: Path) -> Database:
    """A database of each kind, with no table yet."""
    return Database(*server, tmp_path)
