"""What operators do to a Kafka cluster under load: all that was acknowledged arrives once they have mended it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.backends import PASSWORD
from tests.support.kafka_cluster import KafkaCluster
from tests.support.kafka_site import WAYS, Site, loaded, wait_for_more
from tests.support.loads import Load
from tests.support.processes import wait_until

pytestmark = pytest.mark.slow


def wait_for_trouble(loads: dict[str, Load]) -> None:
    """Wait until the direct way is refused, while a spool takes events."""
    refused = len(loads["direct"].refused)
    wait_until(lambda: len(loads["direct"].refused) > refused, 60)
    wait_for_more({"spooled": loads["spooled"]})


def test_a_wrong_password_a_right_taken_away_and_a_topic_made_anew(
    cluster: KafkaCluster, name: str, tmp_path: Path
) -> None:
    site = Site(cluster, name, tmp_path, timeout=3000)
    with loaded(0, "direct", "spooled", prefix="early") as early:
        with site.running(password="wrong") as server:
            for load in early.values():
                load.port = server.port
            wait_for_trouble(early)
        assert (
            1 <= server.log.read_text().count("mend its user, password or mechanism") <= 4
        )  # two ways, two lines each
    with site.running(password=PASSWORD) as server:
        with loaded(server.port, *WAYS) as loads:
            wait_for_more(loads)
            for topic in site.topics:
                cluster.deny(topic)
            wait_for_trouble(loads)
            for topic in site.topics:
                cluster.allow(topic)
            wait_for_more(loads)
        del early["direct"]  # nothing was acknowledged there
        site.assert_that_nothing_is_lost(loads)
        site.assert_that_nothing_is_lost(early)
        for topic in site.topics:
            cluster.delete_topic(topic)
        with loaded(server.port, *WAYS, prefix="late") as loads:
            wait_for_trouble(loads)
            for topic in site.topics:
                cluster.create_topic(topic, 3)
            wait_for_more(loads)
        site.assert_that_nothing_is_lost(loads)
