"""The SQL sink and a MariaDB that takes packets of one MiB: what counts are bytes, with escapes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixelmw.delivery import Retry, Spool
from pixelmw.sinks.base import PartialFailure, Undeliverable
from tests.support.backends import mariadb
from tests.support.databases import Database
from tests.support.processes import event

PACKET = 1 << 20
# Each of three bytes; and what a driver writes with a backslash in front.
JAPANESE, ESCAPED = "あ" * 3000, "\"'\\\n" * 1500


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with mariadb(f"--max-allowed-packet={PACKET}") as backend:
        yield Database("mariadb", backend, Path())


@pytest.fixture
def db(server: Database) -> Database:
    server.new_table()
    return server


@pytest.mark.parametrize("text", [JAPANESE, ESCAPED, "a" * 9000], ids=["Japanese", "escaped", "plain"])
def test_a_batch_of_several_packets_is_stored_in_one_call(db: Database, text: str) -> None:
    batch = [event(f"{number:03}") | {"properties": {"text": text}} for number in range(300)]
    with db.sink() as sink:
        sink.write(batch)
    assert db.rows() == [each["messageId"] for each in batch]


def test_a_spool_forwards_what_is_more_than_a_packet_without_a_dead_letter(db: Database, tmp_path: Path) -> None:
    with Spool(tmp_path / "spool", db.sink(), retry=Retry(first=0.01, cap=0.02)) as sink:
        for number in range(200):
            sink(event(f"{number:03}") | {"properties": {"text": JAPANESE}})
        assert sink.flush(60)
        assert sink.stats()["dead"] == 0
    assert db.rows() == [f"{number:03}" for number in range(200)]


def test_an_event_that_no_packet_holds_is_undeliverable_and_the_others_are_stored(db: Database) -> None:
    large = event("large") | {"properties": {"text": "あ" * (PACKET // 3)}}
    with db.sink() as sink:
        for batch, place in (([event("1"), large, event("2")], 1), ([large], 0)):
            with pytest.raises(PartialFailure) as caught:
                sink.write(batch)
            assert list(caught.value.failures) == [place]
            assert "max_allowed_packet" in str(caught.value)
        with pytest.raises(Undeliverable):
            sink(large)
    assert db.rows() == ["1", "2"]


def test_a_packet_that_was_made_smaller_holds_for_the_next_connection(db: Database) -> None:
    batch = [event(f"{number:03}") | {"properties": {"text": JAPANESE}} for number in range(100)]
    with db.sink() as sink:
        sink(event("first"))
        db.run(f"SET GLOBAL max_allowed_packet = {PACKET // 4}")
        try:
            sink.close()
            sink.write(batch)
        finally:
            db.run(f"SET GLOBAL max_allowed_packet = {PACKET}")
    assert db.rows() == [*(each["messageId"] for each in batch), "first"]
