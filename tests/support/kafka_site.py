"""A site under gunicorn with three ways to a Kafka cluster, and the loads that its visitors make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.kafka_topics import KafkaTopics
from tests.support.loads import Load
from tests.support.processes import wait_until
from tests.support.servers import Server, started

WAYS = ("direct", "spooled", "background")
MORE = 50  # events that are to be acknowledged between two troubles
PAUSE = 0.02  # seconds; without it, two cores would be busy with requests, and no node would get up


class Site:
    """An application under gunicorn with three ways to Kafka, each with a topic of its own.

    :param timeout: message.timeout.ms.
    """

    def __init__(self, cluster: KafkaTopics, name: str, directory: Path, *, timeout: int = 15_000) -> None:
        self._cluster = cluster
        self._name = name
        self._directory = directory
        self._timeout = timeout
        for way in WAYS:
            cluster.create_topic(self.topic(way), 3)

    def topic(self, way: str) -> str:
        return f"{self._name}-{way}"

    @property
    def topics(self) -> list[str]:
        """Those of all ways."""
        return [*map(self.topic, WAYS)]

    @contextmanager
    def running(self, server: str = "gunicorn-gthread", *options: str, password: str = "") -> Iterator[Server]:
        """Run the application.

        :param password: what it logs in with; without one, everybody is let in.
        """
        environ = {
            "PIXELMW_TEST_DIRECTORY": str(self._directory),
            "PIXELMW_TEST_PASSWORD": password,
            "PIXELMW_TEST_SERVERS": self._cluster.sasl_servers if password else self._cluster.bootstrap_servers,
            "PIXELMW_TEST_TIMEOUT": str(self._timeout),
            "PIXELMW_TEST_TOPIC": self._name,
        }
        app = "tests.support.kafka_app:application"
        with started(server, app, self._directory, "--threads=12", *options, **environ) as running_server:
            yield running_server

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
def loaded(port: int, *ways: str, prefix: str = "") -> Iterator[dict[str, Load]]:
    """Three clients for each way; the ids of their events begin with *prefix*."""
    options: dict[str, Any] = {"clients": 3, "pause": PAUSE, "prefix": prefix}
    with ExitStack() as stack:
        yield {way: stack.enter_context(Load(port, path=f"/{way}", **options)) for way in ways}


def wait_for_more(loads: dict[str, Load]) -> None:
    for load in loads.values():
        load.wait_for(MORE)
