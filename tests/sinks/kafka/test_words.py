"""What is said of a failure: it holds nothing of an event, and fits on a line of a log."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError

from pixelmw import Event
from pixelmw.sinks import SinkError
from pixelmw.sinks.kafka import Kafka
from pixelmw.sinks.kafka.verdicts import verdict
from tests.support.mock_brokers import ONE_AT_A_TIME, MockBrokers, mock_brokers

SECRET = "somebody@example.org"


@pytest.fixture(scope="module")
def brokers() -> Iterator[MockBrokers]:
    with mock_brokers() as running:
        yield running


@pytest.fixture
def sink(brokers: MockBrokers, request: pytest.FixtureRequest) -> Iterator[Kafka]:
    """A sink with a topic of the test's own: librdkafka remembers for a while that a topic is closed to it."""
    topic = re.sub("[^A-Za-z_]", "_", request.node.name)
    brokers.create_topic(topic)
    options: dict[str, Any] = {"message_max_bytes": 2000, "linger_ms": 20, **ONE_AT_A_TIME}
    with Kafka(topic, bootstrap_servers=brokers.bootstrap_servers, **options) as sink:
        yield sink
    brokers.calm_down()


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({}, KafkaError.INVALID_RECORD, "INVALID_RECORD"),
        ({}, KafkaError.TOPIC_AUTHORIZATION_FAILED, "TOPIC_AUTHORIZATION_FAILED"),
        ({}, KafkaError.INVALID_TIMESTAMP, "INVALID_TIMESTAMP"),
        ({"fill": SECRET * 100}, None, "message.max.bytes is 2000"),
        ({"number": float("nan")}, None, "the event is not JSON"),
    ],
    ids=["a record", "a right", "a time", "a size", "no JSON"],
)
def test_what_is_said_of_a_failure_holds_nothing_of_the_event(
    brokers: MockBrokers, sink: Kafka, caplog: pytest.LogCaptureFixture, more: Event, error: int | None, said: str
) -> None:
    bad: Event = {"messageId": SECRET, "userId": SECRET, "event": SECRET, "properties": {SECRET: SECRET}, **more}
    if error is not None:
        brokers.fail(*[error] * 3)
    with pytest.raises(SinkError) as caught:
        sink.write([bad, {"messageId": "1"}])
    everything = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert said in everything
    assert SECRET not in everything


def test_the_words_of_a_broker_fit_on_a_line() -> None:
    error = verdict(KafkaError(KafkaError.INVALID_RECORD, "rejected:\nforged line" + " and so on" * 99), "pixels")
    assert str(error).startswith("rejected:\\nforged line and so on")
    assert str(error).endswith("(INVALID_RECORD)")
    assert len(str(error)) < 600
