"""Where a stream is: on the server that the URL names, or on the node of a cluster that has the stream's slot.

A node of a cluster says MOVED where it does not have the slot. Only then the
cluster is looked up. From then on all its nodes are known, so it may lose the one
that the URL names. redis-py's client of a cluster finds the node, and no more: it
would send a transaction again that the node may have stored.
"""

from __future__ import annotations

import time
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.connection import parse_url
from redis.retry import Retry

from ...system.addresses import count_addresses
from .connections import BoundedConnectionPool, within

#: Seconds without a call after which the connections are made anew. Load balancers and NAT gateways forget one that was
#: idle for 240 s or more, and some do not say so; and the name of the server may lead to another one by then.
MAX_IDLE = 180.0
# The share of the time for one wait while a cluster is looked up: if a node hangs, another one is asked.
_SHARE_OF_A_NODE = 1 / 3
# How often redis-py asks another node, at random, for what all nodes know. Without a pause: the time is bounded.
_OTHER_NODES = Retry(NoBackoff(), 10)


class Servers:
    """The connections of one process to a server, or to the nodes of a cluster.

    :param url: as redis-py takes it.
    :param timeout: seconds to connect, to all addresses of a host together, and for each answer. What a call takes
        in all, :func:`within` says.
    :raises ValueError: for a URL that cannot work. No connection is made, and no name is looked up yet.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._host: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        self._timeout = timeout
        self._single: redis.Redis | None = None
        self._cluster: RedisCluster | None = None
        self._cluster_is_old = False
        self._checked: redis.Redis | None = None
        self._used = time.monotonic()

    def client(self, stream: str) -> redis.Redis:
        """Return the client of the server that has *stream*, once that has let it make a transaction.

        :raises redis.RedisError: if it does not.
        """
        if time.monotonic() - self._used > MAX_IDLE:
            self.disconnect()
        client = self._find(stream)
        self._used = time.monotonic()
        if client is not self._checked:
            _try_transaction(client)
            self._checked = client
        return client

    def follow(self) -> None:
        """Look up the cluster that the server turned out to be a node of, or look it up again.

        :raises redis.RedisError: if no node answers.
        """
        with within(self._timeout, each=self._timeout * _SHARE_OF_A_NODE):
            if self._cluster is None:
                self._cluster = RedisCluster.from_url(
                    self._url,
                    connection_pool_class=BoundedConnectionPool,
                    socket_timeout=self._timeout,
                    retry=_OTHER_NODES,
                    require_full_coverage=False,  # the slot of the stream is enough
                )
            else:
                self._cluster.nodes_manager.initialize()
        self._cluster_is_old = False

    def disconnect(self) -> None:
        """Close the connections that nobody uses; one that is in use is closed at the end of the call that uses it.

        Another server may be the one that takes writes by now, so a cluster is looked up again.
        """
        self._checked = None
        clients: list[Any] = [self._single] if self._single is not None else []
        if self._cluster is not None:
            self._cluster_is_old = True
            nodes: list[Any] = self._cluster.get_nodes()  # type: ignore[no-untyped-call]  # as above
            clients += [node.redis_connection for node in nodes if node.redis_connection]
        for client in clients:
            client.connection_pool.disconnect(inuse_connections=False)

    def _find(self, stream: str) -> redis.Redis:
        if self._cluster is not None:
            if self._cluster_is_old:
                self.follow()
            node: Any = self._cluster.get_node_from_key(stream)  # type: ignore[no-untyped-call]  # as above
            return self._cluster.get_redis_connection(node)
        if self._single is None:
            addresses = count_addresses(self._host.get("host"), self._host.get("port"))
            pool = BoundedConnectionPool.from_url(
                self._url,
                socket_connect_timeout=self._timeout / addresses,
                socket_timeout=self._timeout,
            )
            self._single = redis.Redis.from_pool(pool)
        return self._single


def _try_transaction(client: redis.Redis) -> None:
    """Store nothing in a transaction.

    Without the right to begin one, the server would store a batch at once, and then refuse the end. Without the right
    to end one, single events would be stored, and batches never.
    """
    # On one connection.
    alone: Any = client.client()  # type: ignore[no-untyped-call]  # as above
    with alone:
        alone.execute_command("MULTI")
        try:
            alone.execute_command("EXEC")
        except redis.ResponseError:
            alone.connection.disconnect()  # it is still within the transaction
            raise
