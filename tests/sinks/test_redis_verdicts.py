"""What the Redis sink says where a server refuses: what to do about it, and nothing of an event or a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from pixelmw.sinks.base import Unavailable
from pixelmw.sinks.redis import RedisStream
from tests.support import streams
from tests.support.backends import Backend
from tests.support.markers import give_marked, nothing_shows
from tests.support.processes import event, wait_until
from tests.support.streams import ids

server, client = streams.server, streams.client

#: The rights of a user that can store, and nothing else; docs/howto/destinations.rst names them.
RIGHTS = "on >only-this-one ~events -@all +multi +exec +xadd"


def command(client: Redis, words: str) -> None:
    """Send a command as one would type it."""
    send: Callable[..., object] = client.execute_command  # redis-py leaves it without types
    send(*words.split())


@contextmanager
def user(server: Backend, client: Redis, rights: str) -> Iterator[str]:
    """The URL for a user with these rights."""
    command(client, f"ACL SETUSER pixel reset {rights}")
    try:
        yield f"redis://pixel:only-this-one@127.0.0.1:{server.port}/0"
    finally:
        command(client, "ACL DELUSER pixel")


def test_a_user_with_the_least_rights_stores_events_and_batches(server: Backend, client: Redis) -> None:
    with user(server, client, RIGHTS) as url, RedisStream(url, "events", maxlen=1000) as sink:
        sink(event("1"))
        sink.write([event("2"), event("3")])
        sink.close()
        sink(event("4"))
    assert ids(client) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    "rights",
    [
        RIGHTS.replace(" +xadd", ""),
        RIGHTS.replace(" +multi", ""),
        RIGHTS.replace(" +exec", ""),
        RIGHTS.replace("~events", "~e"),
    ],
    ids=["no XADD", "no MULTI", "no EXEC", "another key"],
)
def test_a_right_that_is_missing_stores_nothing_and_is_named(server: Backend, client: Redis, rights: str) -> None:
    with user(server, client, rights) as url, RedisStream(url, "events") as sink:
        for batch in ([event("1")], [event("2"), event("3")], [event("4")]):
            with pytest.raises(Unavailable, match=r"grant it \+multi \+exec \+xadd on the key 'events'"):
                sink.write(batch)
        assert ids(client) == []
        command(client, f"ACL SETUSER pixel reset {RIGHTS}")
        sink.write([event("5"), event("6")])
    assert ids(client) == ["5", "6"]


@pytest.mark.parametrize("login", ["", ":let-me-in@", "nobody:let-me-in@"], ids=["none", "password", "user"])
def test_a_login_that_is_wrong_says_what_to_mend(server: Backend, client: Redis, login: str) -> None:
    sink = RedisStream(f"redis://{login}127.0.0.1:{server.port}/0", "events")
    with sink, pytest.raises(Unavailable, match="mend the user or the password in the URL"):
        sink(event("1"))


def unable_to_save(client: Redis) -> None:
    """Let the server fail to save its data, for which it then takes no writes."""
    directory = Path(str(client.config_get("dir")["dir"]))
    (directory / "dump.rdb").mkdir()
    client.config_set("save", "3600 1")
    command(client, "BGSAVE")
    wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")


def able_to_save(client: Redis) -> None:
    directory = Path(str(client.config_get("dir")["dir"]))
    (directory / "dump.rdb").rmdir()
    client.config_set("save", "")


def says(words: str) -> Callable[[Redis], None]:
    return lambda client: command(client, words)


REFUSALS: dict[str, tuple[Callable[[Redis], None], Callable[[Redis], None], str]] = {
    "OOM": (
        says("CONFIG SET maxmemory 1"),
        says("CONFIG SET maxmemory 0"),
        "raise its maxmemory, or give the sink a maxlen",
    ),
    "READONLY": (says("REPLICAOF 127.0.0.1 1"), says("REPLICAOF NO ONE"), "name the one that takes writes"),
    "NOREPLICAS": (
        says("CONFIG SET min-replicas-to-write 1"),
        says("CONFIG SET min-replicas-to-write 0"),
        "bring them back",
    ),
    "WRONGTYPE": (says("SET events text"), says("DEL events"), "holds something else than a stream: name another"),
    "MISCONF": (unable_to_save, able_to_save, "look at its log and its disk"),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_refusal_says_what_to_do_and_shows_nothing_of_the_command(
    server: Backend, client: Redis, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    begin, end, words = REFUSALS[reason]
    with RedisStream(server.url, "events") as sink:
        begin(client)
        try:
            with nothing_shows(caplog):
                errors = give_marked(sink)
        finally:
            end(client)
        assert len(errors) == 2
        for error in errors:
            assert isinstance(error, Unavailable)
            assert words in str(error)
        sink(event("afterwards"))
    assert ids(client) == ["afterwards"]
