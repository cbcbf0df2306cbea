"""Three ways to Kafka under gunicorn, which is stopped, reloaded and recycled under load: all that it took arrives."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from pixelmw.delivery import Spool
from tests.support.kafka_cluster import KafkaCluster
from tests.support.kafka_site import WAYS, Site, loaded, wait_for_more

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("server", "reloads", "options"),
    [
        ("gunicorn-gthread", 3, ()),
        ("gunicorn-gevent", 0, ()),
        ("gunicorn-preload", 0, ()),
        ("gunicorn-max-requests", 0, ("--max-requests=150",)),  # 50 would all be of the quick ways
    ],
)
def test_what_was_acknowledged_arrives(
    cluster: KafkaCluster, name: str, tmp_path: Path, server: str, reloads: int, options: tuple[str, ...]
) -> None:
    site = Site(cluster, name, tmp_path)
    with site.running(server, *options) as running, loaded(running.port, *WAYS) as loads:
        for _ in range(reloads):
            wait_for_more(loads)
            running.process.send_signal(signal.SIGHUP)
        wait_for_more(loads)
        running.stop(signal.SIGTERM)
    if server == "gunicorn-max-requests":
        assert "Autorestarting worker" in running.log.read_text()
    left: list[str] = []
    with Spool(tmp_path / "spool", lambda event: left.append(event["messageId"])) as spool:
        assert spool.flush(30)
    for way, load in loads.items():
        arrived = {*cluster.ids(site.topic(way)), *(left if way == "spooled" else ())}
        assert set(load.acknowledged) - arrived == set(), way
