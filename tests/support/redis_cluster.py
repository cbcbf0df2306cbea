"""A Redis Cluster of three nodes on loopback."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from redis import Redis

from tests.support.backends import PASSWORD, Backend, redis_server
from tests.support.ports import free_port
from tests.support.processes import wait_until

_SLOTS = 16384


class Cluster:
    """Three nodes, each with a third of the slots.

    :param buses: the ports at which the nodes hear each other.
    :ivar nodes: the servers.
    """

    def __init__(self, nodes: list[Backend], buses: list[int]) -> None:
        self.nodes = nodes
        self._buses = buses
        self.clients = [Redis.from_url(node.url, decode_responses=True) for node in nodes]

    def form(self) -> None:
        """Let the nodes meet, and return once they serve all slots."""
        share = -(-_SLOTS // len(self.nodes))
        for number, client in enumerate(self.clients):
            slots = range(number * share, min(_SLOTS, (number + 1) * share))
            self.run(client, f"CLUSTER ADDSLOTS {' '.join(map(str, slots))}")
            self.run(client, f"CLUSTER SET-CONFIG-EPOCH {number + 1}")
        for node, bus in list(zip(self.nodes, self._buses, strict=True))[1:]:
            self.run(self.clients[0], f"CLUSTER MEET 127.0.0.1 {node.port} {bus}")
        self.settle()

    def settle(self) -> None:
        """Return once each node knows that all are there."""
        wait_until(lambda: all("cluster_state:ok" in str(self.run(each, "CLUSTER INFO")) for each in self.clients))
        wait_until(lambda: all(self.known_nodes(each) == len(self.nodes) for each in self.clients))

    def run(self, client: Redis, words: str) -> object:
        """Send a command as one would type it."""
        send: Callable[..., object] = client.execute_command  # redis-py leaves it without types
        answer = send(*words.split())
        return answer.decode() if isinstance(answer, bytes) else answer

    def known_nodes(self, client: Redis) -> int:
        """How many nodes the node of *client* knows."""
        return int(re.findall(r"cluster_known_nodes:([0-9]+)", str(self.run(client, "CLUSTER INFO")))[0])

    def my_id(self, number: int) -> str:
        """The id of a node."""
        return str(self.run(self.clients[number], "CLUSTER MYID"))

    def owner(self, key: str) -> int:
        """The number of the node that has the slot of *key*."""
        slot = int(str(self.run(self.clients[0], f"CLUSTER KEYSLOT {key}")))
        return slot // -(-_SLOTS // len(self.nodes))

    def key_at(self, number: int) -> str:
        """A key that belongs to a node."""
        return next(key for count in range(10_000) if self.owner(key := f"events-{count}") == number)

    def move(self, key: str, *, to: int) -> None:
        """Move the slot of *key*, with all its keys, to another node."""
        source = self.owner(key)
        slot = self.run(self.clients[0], f"CLUSTER KEYSLOT {key}")
        self.run(self.clients[to], f"CLUSTER SETSLOT {slot} IMPORTING {self.my_id(source)}")
        self.run(self.clients[source], f"CLUSTER SETSLOT {slot} MIGRATING {self.my_id(to)}")
        self.run(self.clients[source], f"MIGRATE 127.0.0.1 {self.nodes[to].port} {key} 0 5000 AUTH {PASSWORD}")
        for number in (to, source, *{0, 1, 2} - {to, source}):
            self.run(self.clients[number], f"CLUSTER SETSLOT {slot} NODE {self.my_id(to)}")


@contextmanager
def redis_cluster() -> Iterator[Cluster]:
    """A cluster of three nodes, which serves the slots of the nodes that are up."""
    with ExitStack() as stack:
        options = (
            "--cluster-enabled",
            "yes",
            "--cluster-require-full-coverage",
            "no",
            "--cluster-node-timeout",
            "2000",
        )
        # By default, that is 10,000 more than the other port, where an outgoing connection may be.
        buses = [free_port() for _ in range(3)]
        nodes = [stack.enter_context(redis_server(*options, "--cluster-port", str(bus))) for bus in buses]
        cluster = Cluster(nodes, buses)
        for client in cluster.clients:
            stack.callback(client.close)
        cluster.form()
        yield cluster
