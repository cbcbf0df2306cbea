"""An event that is stored once and comes again is counted, so that one messageId for all visitors is noticed."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Spool
from pixelmw.sinks import JSONLines, PartialFailure, SQLite, Unavailable, fallback, fan_out
from tests.support import databases
from tests.support.databases import Database
from tests.support.pixel import Pixel
from tests.support.scrapes import registered, scrape

server, db = databases.server, databases.db

TRACK = "/pixel/v1/track"


def event(message_id: str) -> Event:
    return {"type": "track", "event": "e", "messageId": message_id}


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SQLite]:
    with SQLite(tmp_path / "events.db") as sink:
        yield sink


def test_each_event_that_was_there_already_is_counted(sqlite: SQLite) -> None:
    assert sqlite.stats() == {"repeated": 0}
    for message_id in "abaab":
        sqlite(event(message_id))
    assert sqlite.stats() == {"repeated": 3}
    sqlite.write([event("a"), event("c"), event("c"), event("d")])
    assert sqlite.stats() == {"repeated": 5}


def test_a_batch_of_more_rows_than_a_statement_holds_is_counted_whole(sqlite: SQLite) -> None:
    sqlite.write([event(str(number % 700)) for number in range(1000)])
    assert sqlite.stats() == {"repeated": 300}


def test_of_a_batch_that_the_database_refuses_in_part_the_rest_is_counted(sqlite: SQLite, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "events.db")) as connection:
        connection.execute(
            "CREATE TRIGGER t BEFORE INSERT ON events WHEN NEW.message_id = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    sqlite(event("a"))
    with pytest.raises(PartialFailure):
        sqlite.write([event("a"), event("bad"), event("b")])
    assert sqlite.stats() == {"repeated": 1}


def test_what_was_not_committed_is_not_counted(sqlite: SQLite, tmp_path: Path) -> None:
    sqlite(event("a"))
    with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        busy = SQLite(tmp_path / "events.db", timeout=0.05)
        with pytest.raises(Unavailable):
            busy(event("a"))
        connection.execute("ROLLBACK")
    assert busy.stats() == {"repeated": 0}
    busy(event("a"))
    assert busy.stats() == {"repeated": 1}
    busy.close()


def test_threads_that_store_together_are_counted_together(sqlite: SQLite) -> None:
    def store() -> None:
        for number in range(50):
            sqlite(event(str(number)))

    threads = [threading.Thread(target=store) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sqlite.stats() == {"repeated": 7 * 50}


def test_a_child_begins_to_count_at_zero(sqlite: SQLite) -> None:
    sqlite(event("a"))
    sqlite(event("a"))
    if (pid := os.fork()) == 0:
        before = sqlite.stats()["repeated"]
        sqlite(event("a"))
        os._exit(10 * before + sqlite.stats()["repeated"])
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert sqlite.stats() == {"repeated": 1}


def test_each_kind_of_database_tells_how_many_it_had(db: Database) -> None:
    with db.sink() as sink:
        assert sink.stats() == {"repeated": 0}
        for message_id in ("a", "b", "a", "a "):  # a space at the end makes another id, also where a key ignores it
            sink(event(message_id))
        assert sink.stats() == {"repeated": 1}
        sink.write([event("b"), event("c"), event("c"), event("d")])
        assert sink.stats() == {"repeated": 3}
        assert len(db.rows()) == 5


class Deaf:
    """A sink that tells nothing, or not what is asked."""

    def __init__(self, figures: object) -> None:
        self.figures = figures

    def __call__(self, event: Event) -> None:
        pass

    def stats(self) -> object:
        if isinstance(self.figures, Exception):
            raise self.figures
        return self.figures


def test_the_middleware_tells_where_its_sink_tells(sqlite: SQLite) -> None:
    pixel = Pixel(sink=sqlite)
    assert pixel.middleware.stats() == {"repeated": 0}
    for message_id in ("m", "m", "%00", "%00", "{{message_id}}", "{{message_id}}"):
        assert pixel.get(TRACK, f"writeKey=k&userId=u&event=e&messageId={message_id}").status_code == 200
    assert pixel.middleware.stats() == {"accepted": 6, "repeated": 1}
    assert pixel.middleware.collector.stats() == pixel.middleware.stats()


@pytest.mark.parametrize("figures", [None, {}, {"repeated": "many"}, ["repeated"], OSError("gone")], ids=repr)
def test_a_sink_that_tells_nothing_of_the_kind_is_left_out(figures: object) -> None:
    pixel = Pixel(sink=Deaf(figures))
    assert pixel.get(TRACK, "writeKey=k&userId=u&event=e").status_code == 200
    assert pixel.middleware.stats() == {"accepted": 1}


def test_wrappers_pass_on_what_their_sinks_tell(sqlite: SQLite, tmp_path: Path) -> None:
    lines = JSONLines(tmp_path / "events.jsonl")
    other = SQLite(tmp_path / "other.db")
    both, either, neither = fan_out(sqlite, lines, other), fallback(lines, sqlite), fan_out(lines)
    for _ in range(3):
        both(event("a"))
    assert Pixel(sink=both).middleware.stats() == {"repeated": 4}
    assert Pixel(sink=either).middleware.stats() == {"repeated": 2}
    assert Pixel(sink=neither).middleware.stats() == {}
    both.close()


def test_a_delivery_and_its_metrics_tell_what_the_sink_had(sqlite: SQLite, tmp_path: Path) -> None:
    with Spool(tmp_path / "spool", sqlite) as spool, Background(sqlite) as queue:
        deliveries: Sequence[Spool | Background] = (spool, queue)
        for delivery in deliveries:
            for _ in range(2):
                delivery(event("a"))
            assert delivery.flush(20)
        assert [delivery.stats()["repeated"] for delivery in deliveries] == [3, 3]
        pixel = Pixel(sink=spool)
        told = scrape(registered(pixel.middleware, spool=spool, queue=Background(print)))
    assert told["delivery_repeated_total", "spool"] == 3
    assert ("delivery_repeated_total", "queue") not in told
    assert told["events_repeated_total",] == 3
    assert "repeated" not in Background(print).stats()
