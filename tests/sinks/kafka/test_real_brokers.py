"""On Apache Kafka: only the event at fault is refused, and what an operator has to mend is told and waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import pytest

from pixelmw import Event
from pixelmw.delivery import Spool
from pixelmw.sinks import Unavailable, Undeliverable, fallback
from pixelmw.sinks.kafka import Kafka
from tests.support.backends import PASSWORD
from tests.support.kafka_cluster import KafkaCluster
from tests.support.kafka_topics import USER
from tests.support.processes import event, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def of_somebody(message_id: str, size: int) -> Event:
    """An event of one of fifty persons."""
    return {**event(message_id, size), "userId": f"person {crc32(message_id.encode()) % 50}"}


def refused(threads: ThreadPoolExecutor, sink: Callable[[Event], object], events: Sequence[Event]) -> set[str]:
    """Store *events* from many threads at once; returns the ids of those that are undeliverable."""

    def is_refused(one: Event) -> bool:
        try:
            sink(one)
        except Undeliverable:
            return True
        return False

    verdicts = list(threads.map(is_refused, events))
    return {one["messageId"] for one, verdict in zip(events, verdicts, strict=True) if verdict}


def among(guilty: Sequence[Event], innocent: Sequence[Event]) -> list[Event]:
    """All of them, with the guilty ones spread evenly."""
    step = len(innocent) // len(guilty)
    parts = ([one, *innocent[place * step : (place + 1) * step]] for place, one in enumerate(guilty))
    return [*(one for part in parts for one in part), *innocent[len(guilty) * step :]]


def ids(events: Sequence[Event]) -> list[str]:
    return sorted(one["messageId"] for one in events)


def test_only_what_is_too_large_for_the_topic_is_refused(
    cluster: KafkaCluster, name: str, threads: ThreadPoolExecutor
) -> None:
    cluster.create_topic(name, 3, max_message_bytes=100_000)
    giants = [of_somebody(f"giant {number}", 150_000) for number in range(20)]
    innocent = [of_somebody(f"innocent {number}", 500) for number in range(940)]
    with Kafka(name, bootstrap_servers=cluster.bootstrap_servers) as sink:
        assert refused(threads, sink, among(giants, innocent)) == {*ids(giants)}
    assert sorted(cluster.ids(name)) == ids(innocent)


def test_events_that_are_too_large_only_as_a_set_are_all_stored(
    cluster: KafkaCluster, name: str, threads: ThreadPoolExecutor
) -> None:
    cluster.create_topic(name, 3, max_message_bytes=16_384)
    innocent = [of_somebody(str(number), 3000) for number in range(960)]
    with Kafka(name, bootstrap_servers=cluster.bootstrap_servers) as sink:
        assert refused(threads, sink, innocent) == set()
    assert sorted(cluster.ids(name)) == ids(innocent)


def test_only_what_has_no_key_is_refused_by_a_compacted_topic(
    cluster: KafkaCluster, name: str, threads: ThreadPoolExecutor
) -> None:
    cluster.create_topic(name, 3, cleanup_policy="compact")
    keyless = [event(f"keyless {number}") for number in range(20)]
    innocent = [of_somebody(f"innocent {number}", 300) for number in range(51)]
    with Kafka(name, bootstrap_servers=cluster.bootstrap_servers) as sink:
        assert refused(threads, sink, among(keyless, innocent)) == {*ids(keyless)}
    assert sorted(cluster.ids(name)) == ids(innocent)


def test_no_innocent_event_is_buried_behind_a_fallback(
    cluster: KafkaCluster, name: str, threads: ThreadPoolExecutor, tmp_path: Path
) -> None:
    cluster.create_topic(name, max_message_bytes=16_384)
    giants = [of_somebody(f"giant {number}", 40_000) for number in range(4)]
    innocent = [of_somebody(f"innocent {number}", 2500) for number in range(136)]
    kafka = Kafka(name, bootstrap_servers=cluster.bootstrap_servers)
    with kafka, Spool(tmp_path / "spool", kafka) as spool:
        assert refused(threads, fallback(kafka, spool), among(giants, innocent)) == set()
        assert spool.flush(60)
        assert spool.stats()["dead"] == len(giants)
    assert sorted(cluster.ids(name)) == ids(innocent)


@contextmanager
def waiting(sink: Kafka, directory: Path) -> Iterator[None]:
    """Let twenty events wait until the block has mended what is wrong; then all arrive, and none is buried."""
    expected = [event(f"spooled {number}") for number in range(20)]
    with Spool(directory / "spool", sink) as spool:
        for one in expected:
            spool(one)
        wait_until(lambda: spool.stats()["retried"])
        yield
        assert spool.flush(60)
        assert spool.stats()["dead"] == 0


def stores(sink: Kafka, one: Event) -> bool:
    try:
        sink(one)
    except Unavailable:
        return False
    return True


def test_a_topic_that_is_missing_is_named_and_waited_for(cluster: KafkaCluster, name: str, tmp_path: Path) -> None:
    sink = Kafka(name, bootstrap_servers=cluster.bootstrap_servers)
    start = time.monotonic()
    with sink, pytest.raises(Unavailable, match=f"the topic '{name}' is not there: create it, or mend its name"):
        sink(event("refused"))
    assert time.monotonic() - start < 6  # and not once the timeout of the message is over
    with sink, waiting(sink, tmp_path):
        cluster.create_topic(name, 3)
    assert sorted(set(cluster.ids(name))) == sorted(f"spooled {number}" for number in range(20))


def test_a_topic_may_be_deleted_and_made_again(cluster: KafkaCluster, name: str) -> None:
    with Kafka(name, bootstrap_servers=cluster.bootstrap_servers) as sink:
        cluster.create_topic(name)
        wait_until(lambda: stores(sink, event("first")))
        cluster.delete_topic(name)
        with pytest.raises(Unavailable, match="is not there: create it"):
            sink(event("refused"))
        cluster.create_topic(name)
        wait_until(lambda: stores(sink, event("second")))
        cluster.delete_topic(name)
        cluster.create_topic(name)
        wait_until(lambda: stores(sink, event("third")))
    assert set(cluster.ids(name)) == {"third"}


def test_a_clock_that_is_wrong_buries_nothing(cluster: KafkaCluster, name: str, tmp_path: Path) -> None:
    cluster.create_topic(name, message_timestamp_before_max_ms=0)  # whatever time an event has, the brokers refuse it
    with Kafka(name, bootstrap_servers=cluster.bootstrap_servers) as sink:
        with pytest.raises(Unavailable, match="the brokers refuse the time of this machine: set its clock, or theirs"):
            sink(event("refused"))
        with waiting(sink, tmp_path):
            cluster.configure_topic(name, message_timestamp_before_max_ms=3_600_000)
    assert sorted(set(cluster.ids(name))) == sorted(f"spooled {number}" for number in range(20))


def test_a_wrong_password_is_told(cluster: KafkaCluster, name: str) -> None:
    cluster.create_topic(name)
    login = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_username": USER}
    servers = cluster.sasl_servers
    with (
        Kafka(name, bootstrap_servers=servers, sasl_password="wrong", message_timeout_ms=2000, **login) as sink,
        pytest.raises(Unavailable, match="do not let this client in: mend its user, password or mechanism") as caught,
    ):
        sink(event("1"))
    assert "wrong" not in str(caught.value)
    with Kafka(name, bootstrap_servers=servers, sasl_password=PASSWORD, **login) as sink:
        sink(event("2"))
    assert cluster.ids(name) == ["2"]


def test_a_right_that_is_taken_away_is_told_at_once_and_waited_for(
    cluster: KafkaCluster, name: str, tmp_path: Path
) -> None:
    cluster.create_topic(name)
    login = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_username": USER}
    with Kafka(name, bootstrap_servers=cluster.sasl_servers, sasl_password=PASSWORD, **login) as sink:
        sink(event("first"))
        cluster.deny(name)
        wait_until(lambda: not stores(sink, event("first")))
        start = time.monotonic()
        with pytest.raises(Unavailable, match=f"may not write to the topic '{name}': grant it WRITE"):
            sink(event("refused"))
        assert time.monotonic() - start < 1
        with waiting(sink, tmp_path):
            cluster.allow(name)
    assert set(cluster.ids(name)) == {"first", *(f"spooled {number}" for number in range(20))}
