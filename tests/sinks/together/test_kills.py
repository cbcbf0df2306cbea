"""Sixteen threads that store together, in a process that is killed: what was acknowledged is stored."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from redis import Redis

from tests.support import databases, http_server
from tests.support.backends import redis_server
from tests.support.databases import Database, with_server
from tests.support.http_server import DataPlane
from tests.support.processes import found, out, start, wait_until
from tests.support.streams import entries

pytestmark = pytest.mark.slow

server, db = databases.server, databases.db

_WRITE = """
import os, sys, threading
from pixelmw.sinks import JSONLines, SQLite
from pixelmw.sinks.http import HTTP
from pixelmw.sinks.redis import RedisStream
from pixelmw.sinks.sql import SQL
from tests.support.processes import event

kind, name, *where = sys.argv[1:]
sinks = {"JSONLines": JSONLines, "SQLite": SQLite, "SQL": SQL, "RedisStream": RedisStream, "HTTP": HTTP}
sink = sinks[kind](*where)

def visit(thread):
    for number in range(100_000):
        sink(event(f"{name}-{thread}-{number}", 500))
        os.write(1, f"{name}-{thread}-{number}\\n".encode())

for thread in range(16):
    threading.Thread(target=visit, args=(thread,)).start()
"""


def acknowledged(kind: str, *where: str) -> list[str]:
    """What processes acknowledged that were each killed while they stored."""
    ids: list[str] = []
    for kill in range(4):
        process: subprocess.Popen[str] = start(_WRITE, kind, f"k{kill}", *where)
        ids += [out(process).readline().strip() for _ in range(50 * kill + 1)]
        process.kill()
        left = out(process).readlines()
        errors = process.communicate(timeout=20)[1]
        assert process.returncode == -signal.SIGKILL, errors
        ids += [line.strip() for line in left if line.endswith("\n")]
    assert len(ids) > 300
    return ids


@pytest.mark.parametrize(("kind", "name"), [("JSONLines", "events.jsonl"), ("SQLite", "events.db")])
def test_what_a_killed_process_acknowledged_is_in_its_file(tmp_path: Path, kind: str, name: str) -> None:
    ids = acknowledged(kind, str(tmp_path / name))
    there = found(tmp_path / name)
    assert set(ids) <= set(there)
    assert len(set(there)) == len(there)


@with_server
def test_what_a_killed_process_acknowledged_is_in_its_table(db: Database) -> None:
    assert db.server is not None
    ids = acknowledged("SQL", db.server.url, db.table)
    assert set(ids) <= set(db.rows())


def test_what_a_killed_process_acknowledged_is_in_its_stream() -> None:
    with redis_server() as backend, Redis.from_url(backend.url, decode_responses=True) as client:
        ids = acknowledged("RedisStream", backend.url, "events")
        there = [fields["messageId"] for fields in entries(client)]
    assert set(ids) <= set(there)
    assert len(set(there)) == len(there)


def test_what_a_killed_process_acknowledged_is_at_its_data_plane() -> None:
    with http_server.data_plane() as plane:
        assert isinstance(plane, DataPlane)
        ids = acknowledged("HTTP", plane.url, http_server.KEY)
        assert set(ids) <= set(plane.ids())
        # A process that is killed within a request leaves half of it behind.
        wait_until(lambda: not plane.connected)
        plane.faults[:] = [fault for fault in plane.faults if not isinstance(fault, ValueError)]
