"""Real servers that end under load, or hold thousands of connections that say nothing, lose nothing."""

from __future__ import annotations

import resource
import signal
import socket
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.asgi_hosts import track
from tests.support.loads import Load
from tests.support.servers import APPLICATIONS, running, send, started

SERVERS = ("asgi-uvicorn", "asgi-hypercorn", "asgi-granian")
IDLE = 10_000
# It takes no more connections at a time than it is told to.
LET_THEM_IN = ("--backlog=12000", "--backpressure=11000")


def stored(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for row in connection.execute("SELECT message_id FROM events")]


@pytest.mark.slow
@pytest.mark.parametrize("server", SERVERS)
def test_a_server_that_ends_under_load_has_stored_what_it_acknowledged(server: str, tmp_path: Path) -> None:
    database = tmp_path / "events.db"
    application = "tests.support.asgi_spool_app:application"
    running_server = started(server, application, tmp_path, PIXELMW_TEST_DB=str(database))
    with running_server as site, Load(site.port, clients=16) as load:
        load.wait_for(500)
        site.stop(signal.SIGTERM)
    # The spool was flushed before the server heard that the application had ended.
    ids = stored(database)
    assert set(load.acknowledged) <= set(ids)
    assert len(ids) == len(set(ids))


@pytest.mark.slow
@pytest.mark.parametrize("server", SERVERS)
def test_ten_thousand_connections_that_say_nothing_keep_nobody_out(server: str, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(IDLE, (hard if hard > 0 else IDLE + 500) - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 500), hard))
    database = tmp_path / "events.db"
    try:
        with ExitStack() as stack:
            options = LET_THEM_IN if server == "asgi-granian" else ()
            running_server = running(server, APPLICATIONS[server], tmp_path, *options, PIXELMW_TEST_DB=str(database))
            port = stack.enter_context(running_server)
            for _ in range(count):
                stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), 20)))
            for number in range(20):
                assert send(port, "GET", track(str(number), f"&messageId=m{number}")).status == 200
            assert len(stored(database)) == 20
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
