"""Fixtures of the tests that need a real cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.kafka_cluster import KafkaCluster, kafka_cluster


@pytest.fixture(scope="package")
def shared_cluster() -> Iterator[KafkaCluster]:
    with kafka_cluster() as running:
        yield running


@pytest.fixture
def cluster(shared_cluster: KafkaCluster) -> Iterator[KafkaCluster]:
    """Three nodes of Apache Kafka, all of which run."""
    yield shared_cluster
    shared_cluster.restore()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name for a topic of the test's own."""
    return re.sub("[^a-z0-9-]", "_", request.node.name)
