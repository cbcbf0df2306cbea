"""The sink contract, held by the Kafka sink on librdkafka's mock brokers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from pixelmw import Event
from pixelmw.sinks.kafka import Kafka
from pixelmw.testing import SinkContract
from tests.support.mock_brokers import MockBrokers, mock_brokers


@pytest.fixture(scope="module")
def brokers() -> Iterator[MockBrokers]:
    with mock_brokers() as running:
        yield running


@pytest.mark.slow
class TestKafka(SinkContract):
    survives_fork = True
    refuses = {"properties": {"text": "x" * 1_000_000}}  # noqa: RUF012 - nobody changes it

    @pytest.fixture
    def topic(self, brokers: MockBrokers, request: pytest.FixtureRequest) -> str:
        """A topic of the test's own, with one partition, and so with an order."""
        name = re.sub("[^a-z-]", "_", request.node.name)
        brokers.create_topic(name)
        return name

    @pytest.fixture
    def sink(self, brokers: MockBrokers, topic: str) -> Iterator[Kafka]:
        servers = brokers.bootstrap_servers
        with Kafka(topic, bootstrap_servers=servers, message_timeout_ms=3000, reconnect_backoff_max_ms=200) as sink:
            yield sink

    @pytest.fixture
    def read_back(self, brokers: MockBrokers, topic: str) -> Callable[[], list[Event]]:
        return lambda: [message["event"] for message in brokers.messages(topic)]

    @pytest.fixture
    def break_it(self, brokers: MockBrokers) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def down() -> Iterator[None]:
            brokers.take_down()
            yield
            brokers.bring_up()

        return down
