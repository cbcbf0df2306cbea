"""SQL through a proxy that takes smaller packets than the server says: only an event too large alone is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pixelmw.delivery import Retry, Spool
from pixelmw.sinks import SinkError, Unavailable
from pixelmw.sinks.base import is_down, store
from pixelmw.sinks.sql import SQL
from tests.support import databases
from tests.support.databases import Database, with_server
from tests.support.forwarding import give_others_until
from tests.support.packet_limit import PACKET_TOO_LARGE, PacketLimit
from tests.support.processes import event
from tests.support.visitors import Visitors

server, db = databases.server, databases.db
MOST = 40_000  # bytes
TEXT = "あ" * 3000  # of three bytes each
LARGE = event("large") | {"properties": {"text": "あ" * 15_000}}

#: What the proxy says before it hangs up: nothing, or, to a client of MariaDB, an error.
each_manner = pytest.mark.parametrize(
    ("server", "last_words"),
    [("mariadb", b""), ("mariadb", PACKET_TOO_LARGE), ("postgresql", b"")],
    indirect=["server"],
    ids=["MariaDB, cut", "MariaDB, told", "PostgreSQL, cut"],
)


@pytest.fixture
def sink(db: Database, last_words: bytes) -> Iterator[SQL]:
    """A sink behind the proxy."""
    assert db.server is not None
    with PacketLimit(db.server.port, MOST, last_words).running() as port, db.sink(url=through(db, port)) as sink:
        sink(event("first"))
        yield sink


def through(db: Database, port: int) -> str:
    """The URL of the database behind a proxy on *port*."""
    return make_url(db.url).set(port=port).render_as_string(hide_password=False)


def some(count: int) -> list[dict[str, object]]:
    """Events of which the proxy takes three at once."""
    return [event(f"{number:03}") | {"properties": {"text": TEXT}} for number in range(count)]


@each_manner
def test_a_batch_that_is_too_much_for_the_proxy_is_stored_in_parts(db: Database, sink: SQL) -> None:
    store(sink, some(16))
    assert db.rows() == [*(f"{number:03}" for number in range(16)), "first"]


@each_manner
def test_of_visitors_who_come_together_only_the_one_with_too_large_an_event_is_refused(db: Database, sink: SQL) -> None:
    visitors = Visitors(sink).come(LARGE, *some(15)).leave()
    assert visitors.refused == ["large"]
    error = visitors.told["large"]
    assert isinstance(error, SinkError)
    assert not is_down(error)
    assert db.rows() == [*(f"{number:03}" for number in range(15)), "first"]


@pytest.mark.slow
@each_manner
def test_a_spool_gets_past_an_event_that_is_too_large(db: Database, sink: SQL, tmp_path: Path) -> None:
    dead: list[str] = []
    retry = Retry(first=0.001, cap=0.002)
    with Spool(tmp_path / "s", sink, retry=retry, dead_letter=lambda each: dead.append(each["messageId"])) as spool:
        spool(LARGE)
        others = give_others_until(spool, some(200), lambda: bool(dead))
        assert spool.flush(60)
    assert dead == ["large"]
    assert db.rows() == sorted([*others, "first"])


@with_server
def test_a_server_that_is_away_once_the_connection_was_lost_is_unavailable(db: Database) -> None:
    assert db.server is not None
    proxy = PacketLimit(db.server.port, MOST)
    with proxy.running() as port, db.sink(url=through(db, port)) as sink:
        sink(event("first"))
        with db.server.down(), pytest.raises(Unavailable):
            store(sink, some(16))
        sink(event("last"))
    assert proxy.cut == 0


@with_server
def test_a_small_event_whose_connection_is_lost_is_no_verdict_on_it(db: Database) -> None:
    assert db.server is not None
    with (
        PacketLimit(db.server.port, 3000).running() as port,
        db.sink(url=through(db, port)) as sink,
        pytest.raises(Unavailable),
    ):
        store(sink, [event("1") | {"properties": {"text": "a" * 4000}}])
