"""What ``benchmarks/store.py`` compares where nothing leaves the machine: files, SQLite, Background and Spool.

Each contender is a context manager that gets a directory and a name, and gives
a function that stores one event and returns once it is stored. The raw limit
is to encode the event, and to store it with one write and one sync, or with one
transaction, which those who wait meanwhile share.
"""

from __future__ import annotations

import json
import os
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from gathering import Gathered
from undrained import undrained

from pixelmw.delivery import Background, Spool
from pixelmw.sinks import JSONLines, SQLite

Event = dict[str, Any]
Accept = Callable[[Event], object]
Contender = Callable[[str, str], AbstractContextManager[Accept]]

COLUMNS = ("message_id", "type", "event", "user_id", "anonymous_id", "received_at", "body")
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode(event: Event) -> str:
    """JSON as short as it gets."""
    return _encoder.encode(event)


def row(event: Event) -> tuple[Any, ...]:
    """The columns that our sinks fill."""
    fields = ("messageId", "type", "event", "userId", "anonymousId", "receivedAt")
    return (*map(event.get, fields), encode(event))


class AtOnce:
    """A sink that takes every batch at once, so that what is measured is the wrapper."""

    def __call__(self, event: Event) -> None:
        """Take one event."""

    def write(self, events: list[Event]) -> None:
        """Take a batch."""


def ours(make: Callable[[str, str], Any]) -> Contender:
    """One of our sinks, closed at the end."""

    @contextmanager
    def contender(address: str, name: str) -> Iterator[Accept]:
        with make(address, name) as sink:
            yield sink

    return contender


@contextmanager
def our_spool(directory: str, name: str) -> Iterator[Accept]:
    """A Spool that nobody drains."""
    folder = Path(directory, name)
    with undrained(folder), Spool(folder, AtOnce()) as spool:
        yield spool.__call__  # which has no flush


@contextmanager
def raw_lines(directory: str, name: str) -> Iterator[Accept]:
    """One append and one sync for all who wait."""
    descriptor = os.open(Path(directory, name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def store(lines: list[bytes]) -> None:
        os.write(descriptor, b"".join(lines))
        os.fdatasync(descriptor)

    gathered = Gathered(store)
    yield lambda event: gathered(encode(event).encode() + b"\n")
    os.close(descriptor)


@contextmanager
def users_lines(directory: str, name: str) -> Iterator[Accept]:
    """A file that is open, a lock, and a sync for each event."""
    lock = threading.Lock()
    with Path(directory, name).open("a") as file:

        def store(event: Event) -> None:
            with lock:
                file.write(json.dumps(event) + "\n")
                file.flush()
                os.fsync(file.fileno())

        yield store


@contextmanager
def raw_background(_: str, name: str) -> Iterator[Accept]:
    """Encode, and append under a lock."""
    waiting: deque[str] = deque(maxlen=10_000)
    lock = threading.Lock()

    def store(event: Event) -> None:
        text = encode(event)
        with lock:
            waiting.append(text)

    yield store


@contextmanager
def users_background(_: str, name: str) -> Iterator[Accept]:
    """A queue of dicts, and a thread that empties it."""
    waiting: queue.Queue[Event | None] = queue.Queue()
    thread = threading.Thread(target=lambda: list(iter(waiting.get, None)) and None)
    thread.start()
    yield waiting.put
    waiting.put(None)
    thread.join()


@contextmanager
def raw_sqlite(directory: str, name: str) -> Iterator[Accept]:
    """One transaction for all who wait."""
    with closing(sqlite3.connect(Path(directory, name), check_same_thread=False)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(
            f"CREATE TABLE {name} (message_id PRIMARY KEY, type, event, user_id, anonymous_id, at, body)"
        )

        def store(rows: list[tuple[Any, ...]]) -> None:
            connection.executemany(f"INSERT OR IGNORE INTO {name} VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.commit()

        gathered = Gathered(store)
        yield lambda event: gathered(row(event))


@contextmanager
def users_sqlite(directory: str, name: str) -> Iterator[Accept]:
    """A view that inserts and commits by SQLAlchemy."""
    engine = sqlalchemy.create_engine(f"sqlite:///{directory}/{name}")
    with users_table(engine, name) as store:
        yield store


def make_table(engine: sqlalchemy.Engine, name: str, json_type: Any = None) -> sqlalchemy.Table:
    """A table with the columns of our sinks."""
    types = [sqlalchemy.String(255)] * 6 + [json_type or sqlalchemy.JSON()]
    columns = [
        sqlalchemy.Column(column, type_, primary_key=column == "message_id")
        for column, type_ in zip(COLUMNS, types, strict=True)
    ]
    table = sqlalchemy.Table(name, sqlalchemy.MetaData(), *columns)
    table.create(engine)
    return table


@contextmanager
def users_table(engine: sqlalchemy.Engine, name: str, json_type: Any = None) -> Iterator[Accept]:
    """Insert each event in a transaction of its own, as a view would."""
    table = make_table(engine, name, json_type)

    def store(event: Event) -> None:
        values = dict(zip(COLUMNS, (*row(event)[:-1], event), strict=True))
        with engine.begin() as connection:
            connection.execute(table.insert(), values)

    yield store
    engine.dispose()


#: Destination -> contender -> how it stores.
LOCAL: dict[str, dict[str, Contender]] = {
    "SQLite": {
        "ours": ours(lambda directory, name: SQLite(Path(directory, name))),
        "raw": raw_sqlite,
        "user": users_sqlite,
    },
    "JSONLines": {
        "ours": ours(lambda directory, name: JSONLines(Path(directory, name))),
        "raw": raw_lines,
        "user": users_lines,
    },
    "Background": {
        "ours": ours(lambda directory, name: Background(AtOnce(), max_queue=10**6)),
        "raw": raw_background,
        "user": users_background,
    },
    "Spool": {"ours": our_spool, "raw": raw_lines, "user": users_lines},
}
