"""The SQL sink and hostile events: ids that look alike, values that are SQL, events that are not JSON."""

from __future__ import annotations

from hashlib import sha256

import pytest

from pixelmw import Event
from pixelmw.sinks.base import PartialFailure, Undeliverable
from tests.support import databases
from tests.support.databases import Database, from_json
from tests.support.processes import event

server, db = databases.server, databases.db


_LONG = "x" * 256
_IDS = ["a", "A", "á", "a\u0301", "\uff41", " a", "a ", "a  ", "a\t", "a\n", "ß", "ss", "😀", "😁", "\ufffd", "\x7f"]
_IDS += [
    "x" * 255,
    _LONG,
    _LONG + "y",
    "😀" * 255,
    "😀" * 256,
    "é" * 2000,
    f"sha256:{sha256(_LONG.encode()).hexdigest()}",
]
_IDS += [
    "'; DROP TABLE events; --",
    '"',
    "\\",
    "\\'",
    "%",
    "%s",
    "%(message_id)s",
    ":a",
    "?",
    "$1",
    "{}",
    "NULL",
    "0",
    "00",
]
_NUL_IDS = ["\0", "a\0", "a\0b"]


def test_ids_that_differ_are_two_however_alike_and_the_body_has_each_as_it_was(db: Database) -> None:
    ids = _IDS if db.kind == "postgresql" else _IDS + _NUL_IDS
    with db.sink() as sink:
        for message_id in ids:
            sink(event(message_id))
        sink.write([event(message_id) for message_id in reversed(ids)])
    assert sorted(from_json(body)["messageId"] for body in db.run(f"SELECT body FROM {db.table}")) == sorted(ids)


def test_an_id_that_the_key_cannot_hold_is_stored_as_its_hash(db: Database) -> None:
    hashed = ["y" * 256, "a "] if db.kind == "postgresql" else ["y" * 256, "a ", "a\0b"]
    with db.sink() as sink:
        sink.write([event(message_id) for message_id in [*hashed, "x" * 255]])
    keys = [f"sha256:{sha256(message_id.encode()).hexdigest()}" for message_id in hashed]
    assert db.rows() == sorted([*keys, "x" * 255])


@pytest.mark.parametrize(
    "value",
    [
        "😀 ünïcödé \u202e \u0085\u2028",
        "'; DROP TABLE events; -- \" ` \\ \\' %s %(event)s :event ? $1",
        "\\u0000 \\\\u0000 \\",
        "\x01\x1f\x7f\r\n\t ",
        "text " * 20_000,
    ],
    ids=["unicode", "SQL", "backslashes", "controls", "long"],
)
def test_values_are_stored_as_they_are(db: Database, value: str) -> None:
    whole = {"messageId": "1", "event": value, value[:50]: {value[:50]: [value]}}
    with db.sink() as sink:
        sink(whole)
    [(stored, body)] = db.rows("event, body")
    assert stored == value
    assert from_json(body) == whole


def test_nul_is_stored_where_the_database_knows_it_and_is_undeliverable_in_postgresql(db: Database) -> None:
    with db.sink() as sink:
        if db.kind == "postgresql":
            with pytest.raises(PartialFailure) as caught:
                sink.write([event("1"), {"messageId": "2", "event": "a\0b"}, event("3")])
            assert isinstance(caught.value.failures[1], Undeliverable)
            assert (list(caught.value.failures), db.rows()) == ([1], ["1", "3"])
        else:
            sink({"messageId": "2", "event": "a\0b"})
            assert db.rows("event") == ["a\0b"]


_REFUSED: list[Event] = [
    {"messageId": "x", "a": float("nan")},
    {"messageId": "x", "a": float("inf")},
    {"messageId": "x", "a": {1}},
    {"messageId": "x", "a": "\ud800"},
    {"event": "no id"},
    {"messageId": ""},
    {"messageId": None},
]


def test_what_is_not_json_or_has_no_id_is_named_and_the_others_are_stored(db: Database) -> None:
    with db.sink() as sink:
        with pytest.raises(PartialFailure) as caught:
            sink.write([event("first"), *_REFUSED, event("last")])
        assert list(caught.value.failures) == [1, 2, 3, 4, 5, 6, 7]
        assert {type(error) for error in caught.value.failures.values()} == {Undeliverable}
        for refused in _REFUSED:
            with pytest.raises(Undeliverable):
                sink(refused)
    assert db.rows() == ["first", "last"]
