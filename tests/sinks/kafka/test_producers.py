"""The producer of a Kafka sink: what happens where none can be made, and where it can take nothing any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from pixelmw import Event
from pixelmw.sinks.base import SinkError, Unavailable
from pixelmw.sinks.kafka import Kafka, client
from tests.support.mock_brokers import ONE_AT_A_TIME, mock_brokers, partition_key
from tests.support.processes import event, wait_until


def test_a_producer_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    authorities = tmp_path / "authorities"
    authorities.mkdir()
    sink = Kafka("pixels", bootstrap_servers="127.0.0.1:1", security_protocol="ssl", ssl_ca_location=str(authorities))
    authorities.rmdir()
    with pytest.raises(Unavailable, match="no producer could be made"):
        sink(event("1"))


@pytest.fixture
def producers(monkeypatch: pytest.MonkeyPatch) -> list[Producer]:
    """The producers that sinks make for their events during the test."""
    made: list[Producer] = []

    def keep(properties: dict[str, Any]) -> Producer:
        producer = Producer(properties)
        if "bootstrap.servers" in properties:  # the one that checks the properties has none
            made.append(producer)
        return producer

    monkeypatch.setattr(client, "Producer", keep)
    return made


def stores(sink: Kafka, one: Event) -> bool:
    try:
        sink(one)
    except Unavailable:
        return False
    return True


def test_a_fatal_error_that_the_sink_does_not_know_of_yet_costs_no_more(producers: list[Producer]) -> None:
    with mock_brokers() as brokers:
        brokers.create_topic("pixels")
        with Kafka("pixels", bootstrap_servers=brokers.bootstrap_servers, linger_ms=20, **ONE_AT_A_TIME) as sink:
            sink(event("1"))
            (producer,) = producers
            brokers.fail(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)

            def is_dead() -> bool:
                try:
                    producer.produce(sink.topic, b"{}")
                except KafkaException as error:
                    return bool(error.args[0].name() == "_FATAL")
                return False

            wait_until(is_dead)
            with pytest.raises(Unavailable, match="FATAL"):
                sink(event("2"))
            assert producers == [producer]
            sink(event("3"))
            assert len(producers) == 2
            assert [each["event"]["messageId"] for each in brokers.messages("pixels") if each["event"]] == ["1", "3"]


def test_a_producer_that_the_brokers_fence_is_replaced(producers: list[Producer]) -> None:
    with mock_brokers() as brokers:
        brokers.create_topic("pixels")
        with Kafka("pixels", bootstrap_servers=brokers.bootstrap_servers, linger_ms=20, **ONE_AT_A_TIME) as sink:
            sink(event("1"))
            for _ in range(2):
                assert len(producers) == 1
                brokers.fail(KafkaError.PRODUCER_FENCED)
                with pytest.raises(Unavailable, match="PRODUCER_FENCED"):
                    sink(event("2"))
            sink(event("3"))
            assert len(producers) == 2
            brokers.fail(*[KafkaError.INVALID_TIMESTAMP] * 3)
            for _ in range(3):  # which says nothing against the producer
                with pytest.raises(Unavailable, match="INVALID_TIMESTAMP"):
                    sink(event("4"))
            assert len(producers) == 2


@pytest.mark.slow
@pytest.mark.parametrize("is_together", [True, False], ids=["in one call", "in calls of their own"])
def test_a_producer_is_replaced_if_one_partition_times_out_though_others_work(
    producers: list[Producer], is_together: bool
) -> None:
    stuck, works = ({"messageId": name, "userId": partition_key(place)} for place, name in enumerate(("0", "1")))
    with mock_brokers() as brokers:
        brokers.create_topic("pixels", partitions=2)
        with Kafka("pixels", bootstrap_servers=brokers.bootstrap_servers, message_timeout_ms=500) as sink:
            wait_until(lambda: stores(sink, stuck) and stores(sink, works))
            producers[:] = producers[-1:]  # connecting may have taken too long for others
            brokers.delay(1, 60_000)
            for _ in range(2):
                assert len(producers) == 1
                if not is_together:
                    sink(works)
                with pytest.raises(SinkError, match="timed out"):
                    sink.write([stuck, works] if is_together else [stuck])
            wait_until(lambda: stores(sink, works))  # the new producer may ask the slow broker first
            assert len(producers) > 1


@pytest.mark.slow
def test_a_partition_that_is_well_again_counts_anew(producers: list[Producer]) -> None:
    one = {"messageId": "1", "userId": partition_key(0)}
    with mock_brokers() as brokers:
        brokers.create_topic("pixels", partitions=2)
        with Kafka("pixels", bootstrap_servers=brokers.bootstrap_servers, message_timeout_ms=2000) as sink:
            for _ in range(3):
                wait_until(lambda: stores(sink, one))
                brokers.delay(1, 60_000)
                with pytest.raises(Unavailable, match="timed out"):
                    sink(one)
                brokers.calm_down()
            assert len(producers) == 1
