"""Nodes of Apache Kafka are killed, frozen and restarted under load: what was acknowledged is there, in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import process_tree
from tests.support.kafka_cluster import NUMBERS, KafkaCluster
from tests.support.kafka_site import WAYS, Site, loaded, wait_for_more
from tests.support.processes import wait_until

pytestmark = pytest.mark.slow


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


def test_while_nodes_are_frozen_or_too_few_are_in_sync_nothing_is_acknowledged_that_is_not_on_disk(
    cluster: KafkaCluster, name: str, tmp_path: Path
) -> None:
    site = Site(cluster, name, tmp_path, timeout=3000)
    with site.running() as server, loaded(server.port, *WAYS) as loads:
        wait_for_more(loads)
        with cluster.frozen(cluster.leader(site.topic("direct"))):
            wait_for_more(loads)  # another node leads after four seconds
        with cluster.frozen(1, 2):
            refused = len(loads["direct"].refused)
            wait_until(lambda: len(loads["direct"].refused) > refused, 60)
            wait_for_more({"spooled": loads["spooled"]})
        wait_for_more(loads)
        for topic in site.topics:
            cluster.configure_topic(topic, min_insync_replicas=3)
        cluster.kill(3)
        refused = len(loads["direct"].refused)
        wait_until(lambda: len(loads["direct"].refused) > refused, 60)
        wait_for_more({"spooled": loads["spooled"]})
        cluster.start(3)
        wait_for_more(loads)
    site.assert_that_nothing_is_lost(loads)
    assert loads["spooled"].refused == loads["background"].refused == []


def test_all_nodes_are_killed_and_the_application_twice(cluster: KafkaCluster, name: str, tmp_path: Path) -> None:
    site = Site(cluster, name, tmp_path, timeout=3000)
    with loaded(0, "direct", "spooled") as loads:
        for run in ("nodes and application", "application", "nobody"):
            with site.running() as server:
                for load in loads.values():
                    load.port = server.port
                if run != "application":
                    wait_for_more(loads)
                if run == "nodes and application":
                    cluster.kill(*NUMBERS)
                if run != "nobody":
                    wait_until(lambda: loads["direct"].refused, 60)
                    wait_for_more({"spooled": loads["spooled"]})
                    process_tree.kill(server.process.pid)
                if run == "application":
                    cluster.start()
    site.assert_that_nothing_is_lost(loads)
