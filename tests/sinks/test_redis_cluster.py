"""The Redis sink and a cluster of three real nodes, of which the URL names any."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import pytest

from pixelmw.sinks.base import Unavailable
from pixelmw.sinks.redis import RedisStream, servers
from tests.support.processes import event, wait_until
from tests.support.redis_cluster import Cluster, redis_cluster

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared() -> Iterator[Cluster]:
    with redis_cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: Cluster) -> Cluster:
    shared.settle()
    for client in shared.clients:
        client.flushall()
    return shared


def ids(cluster: Cluster, key: str, *, at: int | None = None) -> list[str]:
    """The ids of the events in a stream, as its node has them."""
    client = cluster.clients[cluster.owner(key) if at is None else at]
    stored = cast("list[tuple[str, dict[str, str]]]", client.xrange(key))
    return [json.loads(fields["event"])["messageId"] for _, fields in stored]


def takes(sink: RedisStream, message_id: str) -> bool:
    """Return True if *sink* stores an event."""
    with suppress(Unavailable):
        sink(event(message_id))
        return True
    return False


@pytest.mark.parametrize("named", [0, 1, 2])
@pytest.mark.parametrize("owner", [0, 1, 2])
def test_any_node_may_be_named(cluster: Cluster, named: int, owner: int) -> None:
    key = cluster.key_at(owner)
    with RedisStream(cluster.nodes[named].url, key) as sink:
        sink(event("1"))
        sink.write([event("2"), event("3")])
    assert ids(cluster, key) == ["1", "2", "3"]


def test_a_node_that_is_away_is_an_outage_of_its_streams_and_of_no_other(cluster: Cluster) -> None:
    keys = [cluster.key_at(0), cluster.key_at(1)]
    sinks = [RedisStream(cluster.nodes[2].url, key) for key in keys]
    for sink in sinks:
        sink(event("1"))
    with cluster.nodes[0].down():
        for _ in range(2):
            with pytest.raises(Unavailable):
                sinks[0].write([event("2"), event("3")])
        sinks[1](event("2"))
    wait_until(lambda: takes(sinks[0], "4"))  # the others have to notice that it is there again
    assert ids(cluster, keys[0])[-1] == "4"
    assert ids(cluster, keys[1]) == ["1", "2"]
    for sink in sinks:
        sink.close()


def test_the_node_that_the_url_names_may_be_away_once_the_cluster_is_known(cluster: Cluster) -> None:
    key = cluster.key_at(1)
    with RedisStream(cluster.nodes[2].url, key) as sink:
        sink(event("1"))
        with cluster.nodes[2].down():
            sink.write([event("2"), event("3")])
    assert ids(cluster, key) == ["1", "2", "3"]


def test_the_cluster_is_found_while_one_of_its_nodes_is_away(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    key, calls = cluster.key_at(1), itertools.count()
    with RedisStream(cluster.nodes[2].url, key) as sink:
        wait_until(lambda: takes(sink, "first"))
    # redis-py asks any node for its commands: here, one after the other.
    monkeypatch.setattr(random, "choice", lambda nodes: nodes[next(calls) % len(nodes)])
    with cluster.nodes[0].down():
        for number in range(3):
            with RedisStream(cluster.nodes[2].url, key) as sink:
                sink(event(str(number)))
    assert ids(cluster, key) == ["first", "0", "1", "2"]


def test_a_node_that_hangs_leaves_time_to_ask_another(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, key = cluster.nodes[0], cluster.key_at(1)
    # The one that hangs is asked first; newer versions of redis-py take them in any order.
    monkeypatch.setattr(random, "shuffle", lambda nodes: nodes.sort(key=lambda node: node.port != hanging.port))
    with RedisStream(cluster.nodes[2].url, key, timeout=3) as sink:
        wait_until(lambda: takes(sink, "1"))
        with hanging.hanging():
            monkeypatch.setattr(servers, "MAX_IDLE", -1.0)  # the cluster is looked up again
            sink(event("2"))
    assert ids(cluster, key) == ["1", "2"]


def test_a_stream_that_moves_to_another_node_is_followed(cluster: Cluster) -> None:
    key = cluster.key_at(0)
    with RedisStream(cluster.nodes[0].url, key) as plain, RedisStream(cluster.nodes[1].url, key) as sink:
        for each in (plain, sink):
            each(event("1"))
        cluster.move(key, to=2)
        for each in (plain, sink):
            each.write([event("2"), event("3")])
    assert ids(cluster, key, at=2) == ["1", "1", "2", "3", "2", "3"]


def test_a_user_with_the_least_rights_finds_the_stream(cluster: Cluster) -> None:
    key = cluster.key_at(2)
    for client in cluster.clients:
        rights = "+multi +exec +xadd +cluster|slots +command"
        cluster.run(client, f"ACL SETUSER pixels reset on >only-this-one ~{key} -@all {rights}")
    with RedisStream(f"redis://pixels:only-this-one@127.0.0.1:{cluster.nodes[0].port}", key) as sink:
        sink(event("1"))
        sink.write([event("2"), event("3")])
    assert ids(cluster, key) == ["1", "2", "3"]


def test_a_slot_that_nobody_serves_is_unavailable_and_says_so(cluster: Cluster) -> None:
    key: Any = cluster.key_at(1)
    slot = cluster.run(cluster.clients[0], f"CLUSTER KEYSLOT {key}")
    for client in cluster.clients:
        cluster.run(client, f"CLUSTER DELSLOTS {slot}")
    try:
        with (
            RedisStream(cluster.nodes[0].url, key) as sink,
            pytest.raises(Unavailable, match="does not serve the slot"),
        ):
            sink(event("1"))
    finally:
        cluster.run(cluster.clients[1], f"CLUSTER ADDSLOTS {slot}")
