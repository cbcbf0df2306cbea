"""Nodes of Apache Kafka are killed, frozen and restarted under load: what was acknowledged is there, in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.support import process_tree
from tests.support.kafka_cluster import NUMBERS, KafkaCluster
from tests.support.loads import Load
from tests.support.processes import wait_until
from tests.support.servers import Server, started

pytestmark = pytest.mark.slow

WAYS = ("direct", "spooled", "background")
MORE = 50  # events that are to be acknowledged between two troubles
PAUSE = 0.02  # seconds; without it, two cores would be busy with requests, and no node would get up


class Site:
    """An application under gunicorn with three ways to Kafka, each with a topic of its own.

    :param timeout: message.timeout.ms.
    """

    def __init__(self, cluster: KafkaCluster, name: str, directory: Path, timeout: int = 15_000) -> None:
        self._cluster = cluster
        self._name = name
        self._directory = directory
        self._timeout = timeout
        for way in WAYS:
            cluster.create_topic(self.topic(way), 3)

    def topic(self, way: str) -> str:
        return f"{self._name}-{way}"

    @contextmanager
    def running(self) -> Iterator[Server]:
        environ = {
            "PIXELMW_TEST_DIRECTORY": str(self._directory),
            "PIXELMW_TEST_SERVERS": self._cluster.bootstrap_servers,
            "PIXELMW_TEST_TIMEOUT": str(self._timeout),
            "PIXELMW_TEST_TOPIC": self._name,
        }
        app = "tests.support.kafka_app:application"
        with started("gunicorn-gthread", app, self._directory, "--threads=12", **environ) as server:
            yield server

    def assert_that_nothing_is_lost(self, loads: dict[str, Load]) -> None:
        """What was acknowledged is in its topic, sooner or later, and each client's first copies are in order."""
        for way, load in loads.items():
            acknowledged = set(load.acknowledged)
            assert acknowledged
            wait_until(partial(self._are_in, self.topic(way), acknowledged), 60)
            orders: dict[str, dict[int, None]] = defaultdict(dict)
            for message_id in self._cluster.ids(self.topic(way)):
                if message_id in acknowledged:
                    client, _, number = message_id.partition("-")
                    orders[client].setdefault(int(number))
            assert all(list(order) == sorted(order) for order in orders.values())

    def _are_in(self, topic: str, expected: set[str]) -> bool:
        return expected <= {*self._cluster.ids(topic)}


@contextmanager
def loaded(port: int, *ways: str) -> Iterator[dict[str, Load]]:
    """Three clients for each way."""
    with ExitStack() as stack:
        yield {way: stack.enter_context(Load(port, clients=3, path=f"/{way}", pause=PAUSE)) for way in ways}


def wait_for_more(loads: dict[str, Load]) -> None:
    for load in loads.values():
        load.wait_for(MORE)


def test_a_leader_and_then_the_controller_are_killed(cluster: KafkaCluster, name: str, tmp_path: Path) -> None:
    site = Site(cluster, name, tmp_path)
    with site.running() as server, loaded(server.port, *WAYS) as loads:
        wait_for_more(loads)
        for victim in (cluster.leader(site.topic("direct")), cluster.controller()):
            cluster.kill(victim)
            wait_for_more(loads)
            cluster.start(victim)
        wait_for_more(loads)
        site.assert_that_nothing_is_lost({"background": loads["background"]})
    site.assert_that_nothing_is_lost(loads)
    assert loads["spooled"].refused == loads["background"].refused == []


def test_a_rolling_restart_refuses_nobody(cluster: KafkaCluster, name: str, tmp_path: Path) -> None:
    site = Site(cluster, name, tmp_path)
    with site.running() as server, loaded(server.port, *WAYS) as loads:
        for number in NUMBERS:
            wait_for_more(loads)
            cluster.terminate(number)
            cluster.start(number)
        wait_for_more(loads)
    site.assert_that_nothing_is_lost(loads)
    assert [load.refused for load in loads.values()] == [[], [], []]


def test_while_too_few_replicas_are_in_sync_nothing_is_acknowledged_that_is_not_on_disk(
    cluster: KafkaCluster, name: str, tmp_path: Path
) -> None:
    site = Site(cluster, name, tmp_path, timeout=3000)
    with site.running() as server, loaded(server.port, *WAYS) as loads:
        wait_for_more(loads)
        with cluster.frozen(1, 2):
            wait_until(lambda: loads["direct"].refused)
            wait_for_more({"spooled": loads["spooled"]})
        wait_for_more(loads)
    site.assert_that_nothing_is_lost(loads)
    assert loads["spooled"].refused == loads["background"].refused == []


def test_all_nodes_and_the_application_are_killed(cluster: KafkaCluster, name: str, tmp_path: Path) -> None:
    site = Site(cluster, name, tmp_path, timeout=3000)
    with loaded(0, "direct", "spooled") as loads:
        for kills in (True, False):
            with site.running() as server:
                for load in loads.values():
                    load.port = server.port
                wait_for_more(loads)
                if kills:
                    cluster.kill(*NUMBERS)
                    wait_for_more({"spooled": loads["spooled"]})
                    process_tree.kill(server.process.pid)
                    cluster.start()
    site.assert_that_nothing_is_lost(loads)
