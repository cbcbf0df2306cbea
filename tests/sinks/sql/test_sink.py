"""The SQL sink on real databases: what is stored, once, and what is refused."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from pixelmw.sinks.base import Unavailable, Undeliverable
from tests.support import databases
from tests.support.databases import Database, from_json, with_server
from tests.support.processes import event

server, db = databases.server, databases.db


def together(*acts: Callable[[], object]) -> list[BaseException]:
    """Call each of *acts* in its own thread, all at once, and return what they raised."""
    ready = threading.Barrier(len(acts))
    errors: list[BaseException] = []

    def perform(act: Callable[[], object]) -> None:
        ready.wait(20)
        try:
            act()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=perform, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


# --- rows ---


def test_an_event_becomes_a_row(db: Database) -> None:
    whole = {
        "messageId": "m",
        "type": "track",
        "event": "Order Completed",
        "userId": "u",
        "anonymousId": "a",
        "receivedAt": "2026-11-23T12:34:56.789Z",
        "properties": {"price": 1.5, "": [True, None, {"a.b": "c"}]},
    }
    with db.sink() as sink:
        sink(whole)
    [(*texts, body)] = db.rows("message_id, type, event, user_id, anonymous_id, received_at, body")
    assert texts == ["m", "track", "Order Completed", "u", "a", "2026-11-23T12:34:56.789Z"]
    assert from_json(body) == whole


def test_the_body_can_be_searched_as_json(db: Database) -> None:
    price = {
        "postgresql": "body #>> '{properties,price}'",
        "mariadb": "JSON_VALUE(body, '$.properties.price')",
        "sqlite": "json_extract(body, '$.properties.price')",
    }
    with db.sink() as sink:
        sink({"messageId": "1", "properties": {"price": 7}})
    assert int(db.rows(price[db.kind])[0]) == 7
    if db.kind == "postgresql":
        assert db.rows("pg_typeof(body)::text") == ["jsonb"]


def test_what_an_event_lacks_is_null_and_what_is_not_text_is_json(db: Database) -> None:
    with db.sink() as sink:
        sink({"messageId": "1", "event": {"a": 1}})
    assert db.rows("message_id, type, event, user_id") == [("1", None, '{"a": 1}', None)]


def test_a_batch_of_700_is_stored_in_one_transaction(db: Database) -> None:
    batch = [event(f"id-{number:03}") for number in range(700)]
    with db.sink() as sink:
        sink.write(batch)
    assert db.rows() == [each["messageId"] for each in batch]
    if db.kind == "postgresql":
        assert len(set(db.rows("xmin::text"))) == 1


@pytest.mark.slow
def test_a_batch_may_be_larger_than_a_statement_may_be(db: Database) -> None:
    batch = [event(f"id-{number:03}", 30_000) for number in range(600)]
    with db.sink() as sink:
        sink.write(batch)
    assert len(db.rows()) == 600


def test_an_empty_batch_stores_nothing(db: Database) -> None:
    with db.sink() as sink:
        sink.write([])


_OWN_TABLE = (
    "CREATE TABLE {} (message_id VARCHAR(255) PRIMARY KEY, type VARCHAR(5), event VARCHAR(50) CHECK (event <> 'bad'), "
    "user_id VARCHAR(50), anonymous_id VARCHAR(50), received_at VARCHAR(50), body JSON)"
)


@pytest.mark.slow
def test_a_batch_of_many_parameters_is_stored_whole_or_not_at_all(db: Database) -> None:
    db.run(_OWN_TABLE.format(db.table))
    batch = [event(f"id-{number:05}") for number in range(9500)]
    batch[-1]["event"] = "bad"
    with db.sink() as sink:
        with pytest.raises(Undeliverable):
            sink.write(batch)
        assert db.rows() == []
        sink.write(batch[:-1])
    assert len(db.rows()) == 9499


@with_server
def test_what_a_column_does_not_hold_is_undeliverable(db: Database) -> None:
    db.run(_OWN_TABLE.format(db.table))
    with db.sink() as sink:
        with pytest.raises(Undeliverable, match=r"too long"):
            sink({"messageId": "1", "type": "too long"})
        sink(event("2"))
    assert db.rows() == ["2"]


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
def test_what_an_index_does_not_hold_is_undeliverable(db: Database) -> None:
    with db.sink() as sink:
        sink(event("1"))
        db.run(f"CREATE INDEX ON {db.table} (user_id)")
        with pytest.raises(Undeliverable, match="index row"):
            sink({"messageId": "2", "userId": "".join(map(str, range(5000)))})
        sink(event("3"))
    assert db.rows() == ["1", "3"]


@pytest.mark.parametrize("server", ["mariadb"], indirect=True)
def test_what_is_nested_too_deeply_for_the_database_is_undeliverable(db: Database) -> None:
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    with db.sink() as sink:
        with pytest.raises(Undeliverable, match="CONSTRAINT"):
            sink({"messageId": "1", "properties": deep})
        sink(event("2"))
    assert db.rows() == ["2"]


# --- once ---


def test_a_repeated_message_id_is_stored_once_and_the_first_stays(db: Database) -> None:
    with db.sink() as sink:
        sink.write([{"messageId": "b", "event": "first"}, {"messageId": "a"}, {"messageId": "b", "event": "second"}])
        sink.write([{"messageId": "a", "event": "third"}, {"messageId": "c"}, {"messageId": "b"}])
        sink({"messageId": "c", "event": "fourth"})
    found = db.rows("message_id, event, body")
    assert [row[:2] for row in found] == [("a", None), ("b", "first"), ("c", None)]
    assert from_json(found[1][2]) == {"messageId": "b", "event": "first"}


def test_threads_that_store_the_same_events_in_any_order_do_not_get_in_each_others_way(db: Database) -> None:
    def store_all(seed: int) -> None:
        batch = [event(f"id-{number:03}") for number in range(200)]
        random.Random(seed).shuffle(batch)
        for start in range(0, 200, 50):
            sink.write(batch[start : start + 50])

    with db.sink(timeout=30) as sink:
        assert together(*[lambda seed=seed: store_all(seed) for seed in range(8)]) == []
    assert db.rows() == [f"id-{number:03}" for number in range(200)]


def test_sinks_that_create_the_table_at_once_all_store(db: Database) -> None:
    for _ in range(4):
        db.new_table()
        with ExitStack() as stack:
            sinks = [stack.enter_context(db.sink(timeout=30)) for _ in range(6)]
            storing = [lambda sink=sink, number=number: sink(event(str(number))) for number, sink in enumerate(sinks)]
            assert together(*storing) == []
        assert db.rows() == list("012345")


# --- the table ---


def test_a_table_that_was_dropped_is_created_again_by_the_second_event(db: Database) -> None:
    with db.sink() as sink:
        sink(event("1"))
        db.run(f"DROP TABLE {db.table}")
        with pytest.raises(Unavailable):
            sink(event("2"))
        sink(event("3"))
    assert db.rows() == ["3"]


@with_server
def test_a_table_that_is_there_takes_events_from_a_user_who_may_only_add_rows(db: Database) -> None:
    with db.sink() as sink:
        sink(event("1"))
    with db.sink(url=db.user("INSERT, SELECT, UPDATE" if db.kind == "mariadb" else "INSERT, SELECT")) as sink:
        sink.write([event("1"), event("2")])
    assert db.rows() == ["1", "2"]


@with_server
def test_a_right_that_is_missing_makes_the_sink_unavailable(db: Database) -> None:
    with db.sink() as sink:
        sink(event("1"))
    with db.sink(url=db.user("SELECT")) as sink, pytest.raises(Unavailable, match=r"denied"):
        sink(event("2"))


@with_server
def test_a_table_that_is_missing_and_may_not_be_created_makes_the_sink_unavailable(db: Database) -> None:
    with db.sink() as sink:
        sink(event("1"))
    if db.kind == "postgresql":
        db.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")  # the default since PostgreSQL 15
    with db.sink(url=db.user("SELECT"), table="forbidden") as sink, pytest.raises(Unavailable, match=r"denied"):
        sink(event("2"))


def test_the_table_may_have_a_schema_and_a_name_that_means_something(db: Database) -> None:
    schema = {"postgresql": "analytics", "mariadb": "analytics", "sqlite": "main"}[db.kind]
    if db.kind != "sqlite":
        db.run(f"CREATE SCHEMA {schema}")
    with db.sink(table=f"{schema}.Order") as sink:
        sink.write([event("1"), event("2")])
        sink.write([event("2"), event("3")])
        assert repr(sink).endswith(f"table='{schema}.Order')")
    quoted = f"{schema}.`Order`" if db.kind == "mariadb" else f'{schema}."Order"'
    assert sorted(db.run(f"SELECT message_id FROM {quoted}")) == ["1", "2", "3"]
