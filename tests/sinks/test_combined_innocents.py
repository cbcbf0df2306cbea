"""Whatever one event does to a destination, through fan_out and fallback no other event is refused or buried."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from pixelmw import Event
from pixelmw.delivery import Retry, Spool
from pixelmw.sinks import BatchSink, JSONLines, fallback, fan_out
from pixelmw.sinks.http import HTTP
from tests.support import databases
from tests.support.databases import Database
from tests.support.http_server import KEY, Answer, data_plane
from tests.support.processes import event, lines, wait_until
from tests.support.spools import waiting

pytestmark = pytest.mark.parametrize("server", ["postgresql"], indirect=True)
server, db = databases.server, databases.db

THREADS, EVENTS = 16, 16  # one event of each thread is at fault


class Destination(NamedTuple):
    """A sink that has trouble with events called "refused", and what is stored there."""

    sink: BatchSink
    stored: Callable[[], list[str]]


class Users(BatchSink):
    """As a user writes it: of several rows, one that is wrong ends the transaction; and it changes what it gets."""

    def __init__(self) -> None:
        self.stored: list[str] = []

    def write(self, events: Sequence[Event]) -> None:
        rows = [each.pop("messageId") for each in events]
        if "refused" in [each.pop("event") for each in events]:
            raise ValueError("invalid literal for int() with base 10: 'refused'")
        self.stored += rows


@contextmanager
def users() -> Iterator[Destination]:
    sink = Users()
    yield Destination(sink, lambda: sink.stored)


@contextmanager
def refusing_data_plane(status: int) -> Iterator[Destination]:
    with data_plane() as running, HTTP(running.url, KEY) as sink:
        running.refusal = Answer(status)
        yield Destination(sink, running.ids)


@contextmanager
def database(db: Database) -> Iterator[Destination]:
    with db.sink() as sink:
        sink(event("first"))
        db.run(f"ALTER TABLE {db.table} ADD CONSTRAINT {db.table}_one CHECK (event <> 'refused')")
        yield Destination(sink, lambda: sorted({*db.rows()} - {"first"}))


@pytest.fixture(params=["a user's write", "400", "413", "a database"])
def destination(request: pytest.FixtureRequest, db: Database) -> Iterator[Destination]:
    kinds = {"a user's write": users(), "a database": database(db)}
    with kinds.get(request.param) or refusing_data_plane(int(request.param)) as running:
        yield running


def is_unknown(destination: Destination) -> bool:
    """Whether the sink does not say that it is the event's fault: then the last ones wait for others to be taken."""
    return isinstance(destination.sink, Users)


def only_guilty_ones(destination: Destination, buried: list[str]) -> bool:
    """Whether no other events were buried, and these all, unless they are not known to be at fault yet."""
    guilty = names(guilty=True)
    return {*buried} <= {*guilty} if is_unknown(destination) else sorted(buried) == guilty


def names(*, guilty: bool) -> list[str]:
    return sorted(
        f"{thread}-{number}" for thread in range(THREADS) for number in range(EVENTS) if (number == thread) == guilty
    )


def store_with_guilty_ones(sink: BatchSink) -> list[str]:
    """Store from 16 threads; returns the ids of those events that were refused."""
    refused: list[str] = []
    start = threading.Barrier(THREADS)

    def store(thread: int) -> None:
        start.wait(30)
        for number in range(EVENTS):
            each = event(f"{thread}-{number}")
            try:
                sink({**each, "event": "refused"} if number == thread else each)
            except Exception:
                refused.append(f"{thread}-{number}")

    threads = [threading.Thread(target=store, args=[thread]) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return sorted(refused)


def test_all_sinks_of_a_fan_out_have_the_others(destination: Destination, tmp_path: Path) -> None:
    sink = fan_out(destination.sink, JSONLines(tmp_path / "copy", sync=False))
    assert store_with_guilty_ones(sink) == names(guilty=True)
    assert sorted(destination.stored()) == names(guilty=False)
    copied = [line["messageId"] for line in lines(tmp_path / "copy")]
    assert sorted(copied) == sorted(names(guilty=True) + names(guilty=False))


def test_behind_a_spool_all_sinks_of_a_fan_out_have_the_others(destination: Destination, tmp_path: Path) -> None:
    both = fan_out(destination.sink, JSONLines(tmp_path / "copy", sync=False))
    with Spool(tmp_path / "spool", both, retry=Retry(cap=0.1)) as spool:
        assert store_with_guilty_ones(spool) == []
        wait_until(lambda: sorted({*destination.stored()}) == names(guilty=False))
        assert is_unknown(destination) or spool.flush(60)
    assert only_guilty_ones(destination, waiting(tmp_path / "spool" / "dead"))
    assert {line["messageId"] for line in lines(tmp_path / "copy")} >= {*names(guilty=False)}


def test_a_fallback_to_a_spool_of_the_same_destination_buries_no_other(
    destination: Destination, tmp_path: Path
) -> None:
    with Spool(tmp_path / "spool", destination.sink, retry=Retry(cap=0.1)) as spool:
        sink = fallback(destination.sink, spool)
        assert store_with_guilty_ones(sink) == []
        assert sorted(destination.stored()) == names(guilty=False)
        assert is_unknown(destination) or spool.flush(60)
        assert spool.stats()["stored"] == THREADS
    assert only_guilty_ones(destination, waiting(tmp_path / "spool" / "dead"))


def test_of_a_batch_for_a_fallback_the_second_sink_has_only_the_one_at_fault(
    destination: Destination, tmp_path: Path
) -> None:
    second: list[str] = []
    sink = fallback(destination.sink, lambda each: second.append(each["messageId"]))
    sink.write([{**event(f"{number}"), "event": "refused" if number == 7 else "e"} for number in range(16)])
    assert second == ["7"]
    assert sorted(destination.stored()) == sorted({*map(str, range(16))} - {"7"})
