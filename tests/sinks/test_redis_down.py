"""The Redis sink while the server is down, silent or refuses, and while connections break."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from redis import Redis

from pixelmw.sinks.base import Unavailable
from pixelmw.sinks.redis import RedisStream, servers
from tests.support import streams
from tests.support.backends import PASSWORD, Backend, silent
from tests.support.processes import event, wait_until
from tests.support.proxies import Proxy
from tests.support.streams import ids

server, client = streams.server, streams.client


def at(server: Backend, port: int) -> str:
    """Return the URL of the server, with another port."""
    return server.url.replace(f":{server.port}/", f":{port}/")


# --- outages ---


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_a_server_that_is_down_makes_the_sink_unavailable_until_it_is_up_again(
    server: Backend, client: Redis, kill: bool
) -> None:
    with RedisStream(server.url, "events") as sink:
        sink(event("1"))
        with server.down(kill=kill):
            for _ in range(3):
                with pytest.raises(Unavailable) as caught:
                    sink.write([event("2"), event("3")])
                assert PASSWORD not in str(caught.value)
        sink.write([event("4"), event("5")])
    assert ids(client) == ["1", "4", "5"]


def test_what_was_accepted_under_load_is_there_after_a_kill_in_the_order_of_each_thread(
    server: Backend, client: Redis
) -> None:
    accepted: dict[str, list[str]] = {name: [] for name in "abcd"}

    def store(name: str) -> None:
        for number in range(100_000):
            try:
                sink(event(f"{name}-{number}"))
            except Unavailable:
                return
            accepted[name].append(f"{name}-{number}")

    with RedisStream(server.url, "events") as sink:
        threads = [threading.Thread(target=store, args=[name]) for name in accepted]
        for thread in threads:
            thread.start()
        wait_until(lambda: min(map(len, accepted.values())) > 50)
        with server.down():
            for thread in threads:
                thread.join()
    for name, of_thread in accepted.items():
        there = [message_id for message_id in ids(client) if message_id.startswith(name)]
        assert there[: len(of_thread)] == of_thread
        assert len(there) <= len(of_thread) + 1  # the last one may have been stored without an answer


def test_a_connection_that_the_server_ended_is_replaced_without_a_failure(server: Backend, client: Redis) -> None:
    with RedisStream(f"{server.url}?client_name=ended", "events") as sink:
        sink(event("1"))
        [session] = [each["id"] for each in client.client_list() if each["name"] == "ended"]
        client.client_kill_filter(_id=session)
        sink(event("2"))
    assert ids(client) == ["1", "2"]


def test_a_connection_is_kept_but_not_for_so_long_that_a_gateway_has_forgotten_it(
    server: Backend, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []
    with RedisStream(f"{server.url}?client_name=kept", "events") as sink:
        for number, idle in enumerate((servers.MAX_IDLE, servers.MAX_IDLE, -1.0, -1.0)):
            monkeypatch.setattr(servers, "MAX_IDLE", idle)
            sink(event(str(number)))
            used += [each["id"] for each in client.client_list() if each["name"] == "kept"]
    assert used[0] == used[1]
    assert len(set(used)) == 3
    assert ids(client) == ["0", "1", "2", "3"]


def test_a_server_that_says_nothing_is_unavailable_within_the_timeout() -> None:
    start = time.monotonic()
    with silent() as port, RedisStream(f"redis://127.0.0.1:{port}", "events", timeout=0.3) as sink:
        with pytest.raises(Unavailable):
            sink(event("1"))
        assert 0.2 < time.monotonic() - start < 2


def test_a_server_that_falls_silent_is_unavailable_within_the_timeout(server: Backend, client: Redis) -> None:
    with RedisStream(server.url, "events", timeout=0.3) as sink:
        sink(event("1"))
        with server.hanging():
            start = time.monotonic()
            with pytest.raises(Unavailable):
                sink(event("2"))
            assert time.monotonic() - start < 2
        sink(event("3"))
    assert {"1", "3"} <= set(ids(client))


# --- connections that break ---


def test_a_connection_that_breaks_within_a_transaction_stores_nothing(server: Backend, client: Redis) -> None:
    proxy = Proxy(server.port, lambda sent: len(sent) > 100_000, arrives=False)
    with proxy.running() as port, RedisStream(at(server, port), "events") as sink, pytest.raises(Unavailable):
        sink.write([event(str(number), 1000) for number in range(500)])
    with RedisStream(server.url, "events") as sink:
        sink(event("after"))
    assert ids(client) == ["after"]


@pytest.mark.parametrize("count", [1, 2])
def test_what_was_stored_is_not_sent_a_second_time_if_the_answer_is_lost(
    server: Backend, client: Redis, count: int
) -> None:
    proxy = Proxy(server.port, lambda sent: b"XADD" in sent, arrives=True)
    with proxy.running() as port, RedisStream(at(server, port), "events") as sink, pytest.raises(Unavailable):
        sink.write([event(str(number)) for number in range(count)])
    wait_until(lambda: len(ids(client)) == count)
    assert proxy.connections == 1


# --- refusals ---


def command(client: Redis, words: str) -> None:
    """Send a command as one would type it."""
    send: Callable[..., object] = client.execute_command  # redis-py leaves it without types
    send(*words.split())


@pytest.mark.parametrize(
    ("word", "begin", "end"),
    [
        ("OOM|maxmemory", "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
        ("read only", "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
        ("replicas", "CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
        ("WRONGTYPE", "SET events text", "DEL events"),
    ],
    ids=["OOM", "READONLY", "NOREPLICAS", "WRONGTYPE"],
)
def test_a_server_that_refuses_is_unavailable_and_stores_nothing(
    server: Backend, client: Redis, word: str, begin: str, end: str
) -> None:
    with RedisStream(server.url, "events") as sink:
        command(client, begin)
        try:
            for batch in ([event("1")], [event("2"), event("3")]):
                with pytest.raises(Unavailable, match=word):
                    sink.write(batch)
        finally:
            command(client, end)
        assert ids(client) == []
        sink(event("4"))
    assert ids(client) == ["4"]


def test_a_connection_to_what_became_a_replica_is_not_kept(server: Backend, client: Redis) -> None:
    def sessions() -> list[str]:
        return [each["id"] for each in client.client_list() if each["name"] == "failover"]

    with RedisStream(f"{server.url}?client_name=failover", "events") as sink:
        sink(event("1"))
        before = sessions()
        command(client, "REPLICAOF 127.0.0.1 1")
        try:
            with pytest.raises(Unavailable):
                sink(event("2"))
        finally:
            command(client, "REPLICAOF NO ONE")
        sink(event("3"))
        wait_until(lambda: len(sessions()) == 1)
        assert sessions() != before
    assert ids(client) == ["1", "3"]


def test_a_memory_that_fills_up_leaves_no_batch_half_stored(server: Backend, client: Redis) -> None:
    stored: list[str] = []

    def fill_up() -> None:
        for number in range(100):
            batch = [event(f"{number}-{place}", 10_000) for place in range(20)]
            sink.write(batch)
            stored.extend(each["messageId"] for each in batch)

    with RedisStream(server.url, "events") as sink:
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 3_000_000)
        try:
            with pytest.raises(Unavailable, match="maxmemory"):
                fill_up()
        finally:
            client.config_set("maxmemory", 0)
    assert stored
    assert ids(client) == stored


@pytest.mark.parametrize("login", ["", ":let-me-in@", "nobody:let-me-in@"], ids=["none", "password", "user"])
def test_a_login_that_is_wrong_makes_the_sink_unavailable(server: Backend, client: Redis, login: str) -> None:
    with RedisStream(f"redis://{login}127.0.0.1:{server.port}/0", "events") as sink:
        with pytest.raises(Unavailable) as caught:
            sink(event("1"))
        assert "let-me-in" not in str(caught.value)
