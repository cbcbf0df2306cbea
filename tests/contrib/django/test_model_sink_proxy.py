"""ModelSink through a proxy that takes smaller packets than the server says, and then ends the connection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelmw.delivery import Retry, Spool
from pixelmw.sinks import SinkError, Unavailable
from pixelmw.sinks.base import is_down, store
from tests.support import backends, databases
from tests.support.databases import with_server
from tests.support.django_databases import OrmDatabase
from tests.support.forwarding import give_others_until
from tests.support.packet_limit import PacketLimit
from tests.support.processes import event

server = databases.server
LARGE = event("large") | {"properties": {"text": "あ" * 15_000}}


@pytest.fixture
def orm(server: tuple[str, backends.Backend], tmp_path: Path) -> Iterator[OrmDatabase]:
    """A database of each kind behind the proxy."""
    kind, backend = server
    with PacketLimit(backend.port, 40_000).running() as port:
        database = OrmDatabase(f"proxied-{kind}", backend, tmp_path, PORT=port)
        yield database
        database.forget()


@with_server
def test_a_batch_that_is_too_much_for_the_proxy_is_stored_but_for_what_is_too_large_alone(orm: OrmDatabase) -> None:
    batch = [event(f"{number:02}") | {"properties": {"text": "あ" * 3000}} for number in range(16)]
    with pytest.raises(Exception, match="is it more than a proxy takes at once") as caught:
        store(orm.sink(), [*batch[:5], LARGE, *batch[5:]])
    assert list(getattr(caught.value, "failures", {})) == [5]
    assert orm.rows() == [f"{number:02}" for number in range(16)]
    with pytest.raises(SinkError) as alone:
        orm.sink()(LARGE)
    assert not is_down(alone.value)


@pytest.mark.slow
@with_server
def test_a_spool_gets_past_an_event_that_is_too_large(orm: OrmDatabase, tmp_path: Path) -> None:
    dead: list[str] = []
    retry = Retry(first=0.001, cap=0.002)
    sink = orm.sink()
    with Spool(tmp_path / "s", sink, retry=retry, dead_letter=lambda each: dead.append(each["messageId"])) as spool:
        spool(LARGE)
        others = give_others_until(spool, [event(f"{number:03}") for number in range(200)], lambda: bool(dead))
        assert spool.flush(60)
    assert dead == ["large"]
    assert orm.rows() == others


@with_server
def test_a_server_that_is_away_once_the_connection_was_lost_is_unavailable(orm: OrmDatabase) -> None:
    orm.sink()(event("1"))
    assert orm.server is not None
    with orm.server.down(), pytest.raises(Unavailable):
        orm.sink().write([event("2"), event("3")])
    orm.sink()(event("4"))
    assert orm.rows() == ["1", "4"]
