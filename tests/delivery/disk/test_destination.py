"""A directory remembers whose events it holds, and tells of another destination that they would go to."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Spool
from pixelmw.delivery.disk.destination import name_of
from pixelmw.events import Sink
from pixelmw.sinks import JSONLines, SQLite, fan_out
from pixelmw.sinks.base import BatchSink
from pixelmw.sinks.http import HTTP
from pixelmw.sinks.kafka import Kafka
from pixelmw.sinks.redis import RedisStream
from pixelmw.sinks.sql import SQL
from tests.support.processes import event, run, wait_until
from tests.support.spools import THREADLESS


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


_LEAVE = (
    THREADLESS
    + """
from pixelmw.delivery import Spool
from pixelmw.sinks import JSONLines
from tests.support.processes import event

Spool(sys.argv[1], JSONLines(sys.argv[2]), name=sys.argv[3] or None)(event("left"))
os._exit(0)
"""
)


def test_two_sites_that_share_a_directory_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / "spool"
    run(_LEAVE, directory, tmp_path / "shop.jsonl", "")
    with Spool(directory, JSONLines(tmp_path / "blog.jsonl")) as spool:
        spool(event("of the blog"))
    kind = "JSONLines"
    assert told(caplog) == [
        f"{directory} holds events for {kind}({tmp_path}/shop.jsonl), and they go to {kind}({tmp_path}/blog.jsonl) now"
    ]


def test_the_same_destination_is_not_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        run(_LEAVE, tmp_path / "spool", tmp_path / "shop.jsonl", "")
    with Spool(tmp_path / "spool", JSONLines(tmp_path / "shop.jsonl")) as spool:
        assert spool.flush(10)
    assert told(caplog) == []


def test_a_name_of_ones_own_stays_when_the_destination_moves(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run(_LEAVE, tmp_path / "spool", tmp_path / "old.jsonl", "shop")
    with Spool(tmp_path / "spool", JSONLines(tmp_path / "new.jsonl"), name="shop") as spool:
        assert spool.name == "shop"
        assert spool.flush(10)
    assert told(caplog) == []


def test_an_empty_directory_takes_a_new_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a rather long name", "blog", "shop"):
        with Spool(tmp_path / "spool", lambda each: None, name=name) as spool:
            spool(event("e"))
            assert spool.flush(10)
    run(_LEAVE, tmp_path / "spool", tmp_path / "lines", "another")
    assert told(caplog) == []
    with Spool(tmp_path / "spool", lambda each: None, name="shop"):
        pass
    assert told(caplog) == [f"{tmp_path / 'spool'} holds events for another, and they go to shop now"]


def test_a_directory_that_an_older_version_wrote_takes_a_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run(_LEAVE, tmp_path / "spool", tmp_path / "lines", "old")
    (tmp_path / "spool" / "destination").unlink()
    with Spool(tmp_path / "spool", lambda each: None, name="shop") as spool:
        assert spool.flush(10)
    assert told(caplog) == []


def test_another_destination_is_told_of_once_when_the_spool_is_made_and_nothing_is_made_on_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At deploy time, and not with the first event; construction may happen at an import."""
    run(_LEAVE, tmp_path / "spool", tmp_path / "lines", "shop")
    before = sorted(path.name for path in (tmp_path / "spool").iterdir())
    spool = Spool(tmp_path / "spool", lambda each: None, name="blog")
    warning = f"{tmp_path / 'spool'} holds events for shop, and they go to blog now"
    assert told(caplog) == [warning]
    assert sorted(path.name for path in (tmp_path / "spool").iterdir()) == before
    spool.start()
    spool(event("of the blog"))
    assert spool.flush(20)
    spool.close()
    assert told(caplog) == [warning]


def test_a_spool_that_is_made_where_nothing_is_yet_makes_nothing(tmp_path: Path) -> None:
    for directory in (tmp_path / "spool", tmp_path / "missing" / "spool"):
        Spool(directory, print)
    assert [*tmp_path.iterdir()] == []


def test_two_sites_that_share_an_empty_directory_are_told_by_the_one_that_forwards(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "spool"
    arrived: list[Event] = []
    with Spool(directory, arrived.append, name="shop") as shop:
        shop(event("of the shop"))
        assert shop.flush(20)
        run(_LEAVE, directory, tmp_path / "lines", "blog")
        wait_until(lambda: len(arrived) == 2)
    assert told(caplog) == [f"{directory} holds events for blog, and they go to shop now"]


def test_a_directory_takes_the_new_name_as_soon_as_it_is_empty(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "spool"
    run(_LEAVE, directory, tmp_path / "lines", "shop")
    with Spool(directory, lambda each: None, name="blog") as spool:
        assert spool.flush(20)
        wait_until(lambda: (directory / "destination").read_text() == "blog")
    run(_LEAVE, directory, tmp_path / "lines", "blog")
    caplog.clear()
    Spool(directory, lambda each: None, name="blog")
    assert told(caplog) == []


class Archive(BatchSink):
    def write(self, events: Sequence[Event]) -> None:
        """Store nothing."""


def function(each: Event) -> None:
    """Store nothing."""


_HERE = "tests.delivery.disk.test_destination"


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: function, f"{_HERE}.function"),
        (Archive, f"{_HERE}.Archive"),
        (lambda: [].append, "builtins.list.append"),
        (lambda: print, "builtins.print"),
        (lambda: SQLite("/data/events.db"), "SQLite(/data/events.db)"),
        (lambda: Kafka("pixels", bootstrap_servers="k:9092"), "Kafka(pixels)"),
        (lambda: RedisStream("redis://me:secret@r", "pixels"), "RedisStream(pixels)"),
        (lambda: HTTP("https://data.example/x", "secret"), "HTTP(data.example)"),
        (lambda: SQL("sqlite:////data/events.db", table="pixels"), "SQL(pixels)"),
        (lambda: fan_out(function, print), f"FanOut({_HERE}.function, builtins.print)"),
    ],
    ids=["function", "class", "method", "builtin", "SQLite", "Kafka", "Redis", "HTTP", "SQL", "fan_out"],
)
def test_the_name_of_a_sink_says_where_it_stores_and_no_secret(make: Callable[[], Sink], name: str) -> None:
    assert name_of(make()) == name


@pytest.mark.parametrize("name", ["", "two\nlines", 3])
def test_a_name_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="give a text that can be read"):
        Spool(tmp_path / "spool", print, name=name)


def test_a_path_that_is_no_text_is_a_name_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sinks = [JSONLines(tmp_path / os.fsdecode(name)) for name in (b"caf\xe9.jsonl", b"th\xe9.jsonl")]
    assert name_of(sinks[0]) == f"JSONLines({tmp_path}/caf\\udce9.jsonl)"
    directory = tmp_path / "spool"
    with Spool(directory, sinks[0]) as spool:
        spool(event("1"))
        assert spool.flush(20)
        assert spool.stats()["queued"] == 0
    assert (directory / "destination").read_text() == name_of(sinks[0])
    assert told(caplog) == []


def test_a_long_name_is_known_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        run(_LEAVE, tmp_path / "spool", tmp_path / "shop.jsonl", "n" * 4_500)
    with Spool(tmp_path / "spool", print, name="n" * 4_500) as spool:
        assert spool.flush(20)
    assert told(caplog) == []
