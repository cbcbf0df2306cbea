"""The Kafka sink while librdkafka's mock brokers refuse, are slow, or are down."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import KafkaError

from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable
from pixelmw.sinks.kafka import Kafka
from tests.support.mock_brokers import ONE_AT_A_TIME, MockBrokers, mock_brokers, partition_key
from tests.support.processes import event, wait_until

TIMEOUT = 1.0  # seconds, message.timeout.ms
BOUND = TIMEOUT + 2.0 + 0.5  # the bound of the sink, and half a second for a busy machine


@pytest.fixture(scope="module")
def shared_brokers() -> Iterator[MockBrokers]:
    with mock_brokers() as running:
        yield running


@pytest.fixture
def brokers(shared_brokers: MockBrokers) -> Iterator[MockBrokers]:
    """Brokers that start without faults."""
    yield shared_brokers
    shared_brokers.calm_down()


@pytest.fixture(scope="module")
def shared_sink(shared_brokers: MockBrokers) -> Iterator[Kafka]:
    with connected(shared_brokers, "shared") as open_sink:
        yield open_sink


@pytest.fixture
def sink(brokers: MockBrokers, shared_sink: Kafka) -> Kafka:
    """A sink that is connected, and whose last event is called "first"."""
    wait_until(lambda: stored(shared_sink, "first"))
    return shared_sink


@pytest.fixture
def hasty(brokers: MockBrokers, request: pytest.FixtureRequest) -> Iterator[Kafka]:
    """A sink that waits for one second only, with its own topic."""
    name = re.sub("[^a-z0-9-]", "_", request.node.name)
    with connected(brokers, name, message_timeout_ms=int(TIMEOUT * 1000)) as open_sink:
        yield open_sink


@contextmanager
def connected(brokers: MockBrokers, topic: str, **options: Any) -> Iterator[Kafka]:
    brokers.create_topic(topic)
    # The events of one call must be in one request.
    options |= {"reconnect_backoff_max_ms": 200, "linger_ms": 20, **ONE_AT_A_TIME}
    with Kafka(topic, bootstrap_servers=brokers.bootstrap_servers, **options) as sink:
        wait_until(lambda: stored(sink, "first"))
        yield sink


def stored(sink: Kafka, message_id: str) -> bool:
    """Return True if the sink takes an event at the moment."""
    try:
        sink(event(message_id))
    except Unavailable:
        return False
    return True


def ids(brokers: MockBrokers, sink: Kafka) -> list[str]:
    """Return the messageIds in the topic from the last "first" on."""
    found = brokers.ids(sink.topic)
    return found[len(found) - found[::-1].index("first") :]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def test_errors_that_pass_are_no_errors(brokers: MockBrokers, sink: Kafka) -> None:
    brokers.fail(*[KafkaError.BROKER_NOT_AVAILABLE] * 3)
    sink.write([event("1"), event("2")])
    brokers.fail(*[KafkaError.NOT_ENOUGH_REPLICAS] * 2)
    sink.write([event("3"), event("4")])
    brokers.fail(KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.REQUEST_TIMED_OUT)
    sink.write([event("5"), event("6")])
    assert ids(brokers, sink) == ["1", "2", "3", "4", "5", "6"]


def test_an_error_that_is_not_the_events_fault_is_a_reason_to_try_again(brokers: MockBrokers, sink: Kafka) -> None:
    for code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.POLICY_VIOLATION):
        brokers.fail(code)
        with pytest.raises(Unavailable):
            sink.write([event("1"), event("2")])
        wait_until(lambda: stored(sink, "again"))
    assert ids(brokers, sink) == ["again", "again"]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("INVALID_TIMESTAMP", "the brokers refuse the time of this machine: set its clock, or theirs"),
        ("TOPIC_AUTHORIZATION_FAILED", "this client may not write to the topic 'shared': grant it WRITE"),
        ("POLICY_VIOLATION", "POLICY_VIOLATION"),
    ],
)
def test_what_an_operator_has_to_mend_is_told_and_is_no_events_fault(
    brokers: MockBrokers, sink: Kafka, name: str, advice: str
) -> None:
    code = getattr(KafkaError, name)
    brokers.fail(*[code] * 2)
    with pytest.raises(Unavailable, match=advice):
        sink.write([event("1"), event("2")])
    brokers.calm_down()
    wait_until(lambda: stored(sink, "again"))


def test_while_all_brokers_are_down_the_sink_says_so_in_time_and_recovers(brokers: MockBrokers, hasty: Kafka) -> None:
    brokers.take_down()
    start = time.monotonic()
    with pytest.raises(Unavailable, match="timed out"):
        hasty.write([event("lost"), event("lost, too")])
    assert TIMEOUT * 0.9 < time.monotonic() - start < BOUND
    brokers.bring_up()
    wait_until(lambda: stored(hasty, "again"))
    assert ids(brokers, hasty)[-1] == "again"


def test_a_broker_that_does_not_answer_is_not_waited_for_longer_than_that(brokers: MockBrokers, hasty: Kafka) -> None:
    brokers.delay(1, 60_000)
    start = time.monotonic()
    with pytest.raises(Unavailable):
        hasty(event("1"))
    assert time.monotonic() - start < BOUND


def test_every_call_is_over_in_time(free_port: int, threads: ThreadPoolExecutor) -> None:
    sinks = [
        Kafka("pixels", **{"bootstrap.servers": f"127.0.0.1:{free_port}", "message.timeout.ms": 300, **options})
        for options in (
            {},
            {"queue.buffering.max.messages": 2},
            # librdkafka uses the second of the two timeouts.
            {"default.topic.config": {"message.timeout.ms": 60_000}},
        )
    ]
    start = time.monotonic()
    results = [threads.submit(sink.write, [event(str(number)) for number in range(5)]) for sink in sinks for _ in "123"]
    errors = [result.exception(20) for result in results]
    assert time.monotonic() - start < 10  # and not a minute
    assert {type(error) for error in errors} == {Unavailable}
    said = [str(error) for error in errors]
    assert ["no delivery report" in words for words in said[:6]] == [False] * 6
    # A sink has two lanes: one who finds both taken may hear instead that its turn never came.
    assert sum("no delivery report" in words for words in said[6:]) >= 2
    assert all(re.search("no delivery report|was busy for|before this one was tried", words) for words in said[6:])
    for sink in sinks:
        sink.close(0)


def test_a_fatal_error_costs_one_batch_and_the_producer_and_is_logged_once_a_minute(
    brokers: MockBrokers, sink: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    for number in ("3", "4"):
        brokers.fail(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
        with pytest.raises(Unavailable, match="sequence"):
            sink.write([event("1"), event("2")])
        sink(event(number))
    assert ids(brokers, sink) == ["3", "4"]
    assert sum("failed for good" in record.getMessage() for record in caplog.records) <= 1


def test_an_event_that_is_too_large_is_named_and_all_others_are_stored(brokers: MockBrokers, sink: Kafka) -> None:
    with pytest.raises(PartialFailure) as caught:
        sink.write([event("0"), event("1", 1_100_000), event("2"), {"messageId": "3", "n": float("nan")}])
    assert {place: type(error) for place, error in caught.value.failures.items()} == dict.fromkeys(
        (1, 3), Undeliverable
    )
    with pytest.raises(Undeliverable, match="the message has 1100"):
        sink(event("4", 1_100_000))
    assert ids(brokers, sink) == ["0", "2"]


def test_an_event_that_is_refused_with_others_is_sent_again_alone(brokers: MockBrokers, sink: Kafka) -> None:
    for code in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD):
        # The second refusal meets the first event, which is then alone.
        brokers.fail(code, code)
        with pytest.raises(PartialFailure) as caught:
            sink.write([event(str(number)) for number in range(4)])
        assert {place: isinstance(error, Undeliverable) for place, error in caught.value.failures.items()} == {0: True}
    assert ids(brokers, sink) == ["1", "2", "3", "1", "2", "3"]


def test_what_waits_for_one_broker_does_not_hold_up_who_comes_meanwhile(
    brokers: MockBrokers, threads: ThreadPoolExecutor
) -> None:
    brokers.create_topic("two", partitions=2)
    with Kafka("two", bootstrap_servers=brokers.bootstrap_servers) as sink:
        slow, fast = ({"messageId": str(n), "userId": partition_key(n)} for n in (0, 1))
        sink.write([slow, fast])
        brokers.delay(1, 1500)
        waits = threads.submit(sink, slow)
        wait_until(lambda: not sink.flush(0))
        sink(fast)  # connects another producer, which the slow broker may delay once
        waits.result(20)
        waits = threads.submit(sink, slow)
        wait_until(lambda: not sink.flush(0))
        sink(fast)
        assert not waits.done()
        waits.result(20)


def test_neither_flush_nor_close_waits_longer_than_it_may(
    brokers: MockBrokers, hasty: Kafka, threads: ThreadPoolExecutor
) -> None:
    brokers.take_down()
    result = threads.submit(hasty, event("1"))
    wait_until(lambda: not hasty.flush(0))
    assert not hasty.flush(0.1)
    with pytest.raises(Unavailable, match="busy"):
        hasty.close(0.1)
    assert not result.done()  # which is waited for
    assert isinstance(result.exception(20), Unavailable)
    brokers.bring_up()
    wait_until(lambda: stored(hasty, "again"))


def test_flush_waits_for_what_is_under_way(brokers: MockBrokers, sink: Kafka, threads: ThreadPoolExecutor) -> None:
    brokers.delay(1, 300)
    result = threads.submit(sink, event("1"))
    wait_until(lambda: not sink.flush(0))
    assert sink.flush()
    assert result.result(20) is None
