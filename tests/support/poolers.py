"""PgBouncer in front of a PostgreSQL server, in transaction mode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support.backends import PASSWORD, Backend, directory_of_server, running
from tests.support.needs import need
from tests.support.ports import free_port

_SETTINGS = """
[databases]
postgres = host=127.0.0.1 port={server} dbname=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = users
pool_mode = {mode}
default_pool_size = 2
"""


@contextmanager
def pgbouncer(server: Backend, *, mode: str = "transaction") -> Iterator[Backend]:
    """A PgBouncer with two connections to *server*, that all its clients share."""
    port = free_port()
    url = server.url.replace(f":{server.port}/", f":{port}/")

    def probe() -> None:
        psycopg.connect(url.replace("+psycopg", ""), connect_timeout=2).close()

    with directory_of_server() as directory:
        (directory / "users").write_text(f'"postgres" "{PASSWORD}"\n')
        (directory / "settings").write_text(_SETTINGS.format(server=server.port, port=port, mode=mode))
        command = [need("pgbouncer", "/usr/sbin/pgbouncer"), "settings"]
        yield from running(Backend(command, directory, port, url, probe))
