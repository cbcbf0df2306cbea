"""The Redis sink on a real server: what is in the stream, in which order, and what is refused."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis import Redis

from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable
from pixelmw.sinks.redis import RedisStream
from tests.support import streams
from tests.support.backends import PASSWORD, Backend
from tests.support.processes import event, run, store_while_closing, wait_until
from tests.support.streams import entries, ids, sessions_named

server, client = streams.server, streams.client


# --- entries ---


def test_an_entry_has_the_message_id_and_the_whole_event_as_json(server: Backend, client: Redis) -> None:
    whole = {"messageId": "m", "event": "Order Completed", "properties": {"price": 1.5, "": [True, None]}}
    with RedisStream(server.url, "events") as sink:
        sink(whole)
    (entry,) = entries(client)
    assert list(entry) == ["messageId", "event"]
    assert (entry["messageId"], json.loads(entry["event"])) == ("m", whole)


def test_an_event_that_is_sent_again_is_there_again_with_the_same_id(server: Backend, client: Redis) -> None:
    with RedisStream(server.url, "events") as sink:
        sink.write([event("1"), event("1")])
        sink(event("1"))
    assert ids(client) == ["1", "1", "1"]


def test_a_stream_keeps_about_as_many_entries_as_it_is_told_to_and_the_newest(server: Backend, client: Redis) -> None:
    batch = [event(str(number)) for number in range(1000)]
    with RedisStream(server.url, "events", maxlen=200) as sink:
        sink.write(batch)
    kept = ids(client)
    assert 200 <= len(kept) <= 400  # the server deletes whole nodes of 100 entries
    assert kept == [str(number) for number in range(1000 - len(kept), 1000)]


def test_an_empty_batch_stores_nothing(server: Backend, client: Redis) -> None:
    RedisStream(server.url, "events").write([])
    assert not client.exists("events")


# --- hostile ids, names and values ---


@pytest.mark.parametrize(
    "value",
    ["😀 ünïcödé \u202e\u2028", "a\0b\0", "\r\n*1\r\n$8\r\nFLUSHALL\r\n", "\\u0000 \\ \" '", "x" * 100_000],
    ids=["unicode", "NUL", "protocol", "quotes", "long"],
)
def test_values_ids_and_names_are_stored_as_they_are(server: Backend, client: Redis, value: str) -> None:
    whole = {"messageId": value, "event": value, value: [value]}
    with RedisStream(server.url, value[:1000]) as sink:
        sink(whole)
    (entry,) = entries(client, value[:1000])
    assert (entry["messageId"], json.loads(entry["event"])) == (value, whole)


_REFUSED: list[dict[str, Any]] = [
    {"messageId": "x", "a": float("nan")},
    {"messageId": "x", "a": {1}},
    {"messageId": "x", "a": "\ud800"},
    {"event": "no id"},
    {"messageId": ""},
]


def test_what_is_not_json_or_has_no_id_is_named_and_the_others_are_stored(server: Backend, client: Redis) -> None:
    with RedisStream(server.url, "events") as sink:
        with pytest.raises(PartialFailure) as caught:
            sink.write([event("first"), *_REFUSED, event("last")])
        assert list(caught.value.failures) == [1, 2, 3, 4, 5]
        assert {type(error) for error in caught.value.failures.values()} == {Undeliverable}
        for refused in _REFUSED:
            with pytest.raises(Undeliverable):
                sink(refused)
    assert ids(client) == ["first", "last"]


# --- forks and connections ---

# uWSGI forks in C, and Python's hooks are not called. Each child ends as a program does, destructors and all.
_FORKS = """
import ctypes, os, signal, sys, warnings
from pixelmw.sinks.redis import RedisStream
from redis import Redis
from tests.support.processes import event, wait_until
from tests.support.streams import sessions_named

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later, on a fork beside threads
signal.alarm(30)
sink = RedisStream(sys.argv[1] + "?client_name=forking", "events")

def store(name):
    sink(event(name))
    os.write(1, f"{name}\\n".encode())

def child(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def sessions():
    with Redis.from_url(sys.argv[1], decode_responses=True) as client:
        return sessions_named(client, "forking")

store("parent")
before = sessions()
assert len(before) == 1
for number, fork in enumerate([os.fork, ctypes.PyDLL(None).fork]):
    pid = fork()
    if pid == 0:
        store(f"child-{number}")
        own = sessions() - before
        assert len(own) == 1, own
        grandchild = fork()
        if grandchild == 0:
            store(f"grandchild-{number}")
            sys.exit()
        store(f"child-{number}-again")
        assert child(grandchild) == 0
        wait_until(lambda: sessions() == before | own)
        sys.exit()
    store(f"parent-{number}")
    assert child(pid) == 0
    store(f"parent-{number}-again")
    wait_until(lambda: sessions() == before)
"""


def test_parent_and_child_both_store_and_neither_spoils_the_others_connection(server: Backend, client: Redis) -> None:
    acknowledged = run(_FORKS, server.url)
    assert len(acknowledged) == 1 + 2 * 5
    assert sorted(ids(client)) == sorted(acknowledged)


def test_a_closed_sink_holds_no_connection_and_opens_one_for_the_next_event(server: Backend, client: Redis) -> None:
    with RedisStream(f"{server.url}?client_name=closing", "events") as sink:
        sink(event("1"))
        assert len(sessions_named(client, "closing")) == 1
        sink.close()
        wait_until(lambda: not sessions_named(client, "closing"))
        sink(event("2"))
    wait_until(lambda: not sessions_named(client, "closing"))
    assert ids(client) == ["1", "2"]


def test_closing_a_sink_waits_for_the_thread_that_uses_it(server: Backend, client: Redis) -> None:
    with RedisStream(f"{server.url}?client_name=both", "events") as sink, ThreadPoolExecutor(1) as threads:
        client.client_pause(20_000, all=False)  # it answers to nobody who writes
        stored = threads.submit(sink, event("1"))
        wait_until(lambda: waiting_sessions(client))
        with pytest.raises(Unavailable, match=r"was busy for 0\.1 seconds"):
            sink.close(0.1)
        client.client_unpause()
        stored.result(20)
        sink.close()
        wait_until(lambda: not sessions_named(client, "both"))
    assert ids(client) == ["1"]


def waiting_sessions(client: Redis) -> set[str]:
    """The sessions of clients that wait for the end of a pause."""
    return {each["id"] for each in client.client_list() if "b" in each["flags"]}


def test_a_sink_may_be_closed_while_other_threads_use_it(server: Backend, client: Redis) -> None:
    sink = RedisStream(server.url, "events")
    expected = store_while_closing(sink)
    assert sorted(ids(client)) == expected


# --- arguments ---


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"redis://:{PASSWORD}@127.0.0.1:1/0", "redis://127.0.0.1:1/0"),
        (f"rediss://user:{PASSWORD}@redis.example/0?client_name=x", "rediss://redis.example/0"),
        (f"redis://127.0.0.1?password={PASSWORD}", "redis://127.0.0.1"),
        (f"unix://user:{PASSWORD}@/run/redis.sock?db=0", "unix:///run/redis.sock"),
    ],
)
def test_the_password_does_not_show(url: str, shown: str) -> None:
    assert repr(RedisStream(url, "events")) == f"RedisStream({shown!r}, 'events')"


@pytest.mark.parametrize("url", [PASSWORD, f"http://:{PASSWORD}@h", f"redis://:{PASSWORD}#@h", f"redis://h:{PASSWORD}"])
def test_a_url_that_cannot_work_is_refused_at_once_and_does_not_show(url: str) -> None:
    with pytest.raises(ValueError, match="redis://localhost:6379/0") as caught:
        RedisStream(url, "events")
    assert PASSWORD not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("options", [{"maxlen": 0}, {"maxlen": -1}, {"timeout": 0}])
def test_a_length_or_a_timeout_that_makes_no_sense_is_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))}="):
        RedisStream("redis://localhost", "events", **options)
