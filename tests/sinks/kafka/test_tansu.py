"""The Kafka sink on a Kafka-compatible broker (Tansu): what is stored, and what a broker that forgets does to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.delivery import Spool
from pixelmw.sinks import Unavailable
from pixelmw.sinks.kafka import Kafka
from tests.support.processes import event, store_from_threads, wait_until
from tests.support.tansu import Tansu, tansu


@pytest.fixture(scope="module")
def shared_broker() -> Iterator[Tansu]:
    with tansu() as running:
        yield running


@pytest.fixture
def broker(shared_broker: Tansu) -> Iterator[Tansu]:
    """A broker that runs, and that a test may kill."""
    yield shared_broker
    if not shared_broker.is_running:
        shared_broker.start()


def sink_of(broker: Tansu, topic: str, **options: Any) -> Kafka:
    broker.create_topic(topic)
    return Kafka(topic, bootstrap_servers=broker.bootstrap_servers, reconnect_backoff_max_ms=100, **options)


def stored(sink: Kafka, one: Event) -> bool:
    try:
        sink(one)
    except Unavailable:
        return False
    return True


def test_what_many_threads_store_is_there_once(broker: Tansu) -> None:
    with sink_of(broker, "threads") as sink:
        expected = store_from_threads(sink)
    assert sorted(broker.ids("threads")) == expected


@pytest.mark.slow
def test_a_producer_that_a_broker_has_forgotten_is_replaced(broker: Tansu) -> None:
    with sink_of(broker, "forgetful", message_timeout_ms=1500) as sink:
        for number in range(5):
            sink(event(f"forgotten {number}"))
        broker.kill()
        broker.start()
        tries = iter(range(10))
        wait_until(lambda: stored(sink, event(str(next(tries)))))
        sink(event("last"))
    assert "last" in broker.ids("forgetful")


@pytest.mark.slow
def test_a_spool_forwards_again_once_the_broker_is_back(broker: Tansu, tmp_path: Path) -> None:
    expected = [f"spooled {number}" for number in range(20)]
    with sink_of(broker, "spooled", message_timeout_ms=1500) as sink, Spool(tmp_path / "spool", sink) as spool:
        broker.kill()
        for message_id in expected:
            spool({**event(message_id), "userId": "one"})  # the topic is made anew, with several partitions
        wait_until(lambda: spool.stats()["retried"])
        broker.start()
        assert spool.flush(30)
        assert spool.stats()["dead"] == 0
    # A consumer that comes at once may not see yet that the topic is there again.
    wait_until(lambda: [one for one in dict.fromkeys(broker.ids("spooled")) if one in expected] == expected)


@pytest.mark.slow
def test_while_the_broker_is_away_librdkafka_is_heard_once_a_minute_and_we_give_its_reason(
    broker: Tansu, caplog: pytest.LogCaptureFixture
) -> None:
    with sink_of(broker, "away", message_timeout_ms=1500) as sink:
        sink(event("1"))
        broker.kill()
        caplog.clear()
        for _ in range(2):
            with pytest.raises(Unavailable, match=r"librdkafka said last: .*Connection refused"):
                sink(event("2"))
    errors = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage().split(":")[:2] for record in errors] == [["librdkafka", " FAIL"]]
