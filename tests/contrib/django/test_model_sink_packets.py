"""ModelSink and a MariaDB that takes packets of one MiB: what counts are bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelmw.sinks import PartialFailure, Undeliverable
from pixelmw.sinks.base import store
from tests.support.backends import Backend, mariadb
from tests.support.django_databases import OrmDatabase
from tests.support.processes import event

PACKET = 1 << 20


@pytest.fixture(scope="module")
def server() -> Iterator[Backend]:
    with mariadb(f"--max-allowed-packet={PACKET}") as backend:
        yield backend


@pytest.fixture
def orm(server: Backend) -> Iterator[OrmDatabase]:
    database = OrmDatabase("packets", server, Path())
    yield database
    database.forget()


def test_a_batch_of_several_packets_is_stored_in_one_call(orm: OrmDatabase) -> None:
    batch = [event(f"{number:03}") | {"properties": {"text": "あ" * 3000}} for number in range(300)]
    orm.sink().write(batch)
    assert orm.rows() == [each["messageId"] for each in batch]


def test_an_event_that_no_packet_holds_is_undeliverable_and_found(orm: OrmDatabase) -> None:
    large = event("large") | {"properties": {"text": "あ" * (PACKET // 3)}}
    with pytest.raises(Undeliverable, match="max_allowed_packet"):
        orm.sink()(large)
    with pytest.raises(PartialFailure) as caught:
        store(orm.sink(), [event("1"), large, event("2")])
    assert {place: type(error) for place, error in caught.value.failures.items()} == {1: Undeliverable}
    assert orm.rows() == ["1", "2"]
