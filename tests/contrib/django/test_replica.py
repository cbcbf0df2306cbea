"""ModelSink on a connection whose server became a replica: it can still read, so Django would keep it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pixelmw.sinks import Unavailable
from tests.support import backends, databases
from tests.support.django_databases import OrmDatabase
from tests.support.processes import event

server = databases.server
pytestmark = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


@contextmanager
def read_only(server: backends.Backend) -> Iterator[None]:
    """Sessions that begin within the block take no writes, also when it is over."""
    url = server.url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("ALTER ROLE CURRENT_USER SET default_transaction_read_only = on")
        try:
            yield
        finally:
            admin.execute("ALTER ROLE CURRENT_USER RESET default_transaction_read_only")


@pytest.mark.parametrize(
    "options",
    [{"CONN_MAX_AGE": None}, {"CONN_MAX_AGE": 0}, {"CONN_MAX_AGE": 0, "OPTIONS": {"pool": {"min_size": 1}}}],
    ids=["kept", "not kept", "pooled"],
)
@pytest.mark.parametrize("opened_before", [True, False])
def test_a_connection_to_what_became_a_replica_is_not_kept(
    server: tuple[str, backends.Backend], tmp_path: Path, options: dict[str, Any], opened_before: bool
) -> None:
    kind, backend = server
    orm = OrmDatabase(f"replica-{kind}", backend, tmp_path, **options)
    try:
        orm.connection.close()
        if options.get("OPTIONS"):
            orm.connection.close_pool()
        with read_only(backend):
            if opened_before:
                orm.connection.ensure_connection()
            with pytest.raises(Unavailable, match="read-only"):
                orm.sink()(event("1"))
        # A pool may have made another connection meanwhile, in place of the one that was closed.
        for _ in range(3 if options.get("OPTIONS") else 0):
            with suppress(Unavailable):
                orm.sink()(event("2"))
        orm.sink()(event("2"))
        assert orm.rows() == ["2"]
    finally:
        orm.connection.close()
        if options.get("OPTIONS"):
            orm.connection.close_pool()
        orm.forget()
