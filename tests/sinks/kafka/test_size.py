"""How large a message may be: ``Kafka.check`` says of an event what librdkafka would say of its message."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from pixelmw import Event
from pixelmw.sinks import Undeliverable
from pixelmw.sinks.encoding import encode
from pixelmw.sinks.kafka import Kafka
from tests.support.processes import event

SERVERS = "127.0.0.1:1"
LIMIT = 2000  # bytes


def of_size(one: Event, size: int) -> Event:
    """*one*, filled up until its JSON has *size* bytes."""
    return {**one, "fill": "x" * (size - len(encode({**one, "fill": ""})))}


def is_refused(sink: Kafka, one: Event) -> bool:
    try:
        sink.check(one, encode(one))
    except Undeliverable:
        return True
    return False


def is_refused_by_librdkafka(producer: Producer, one: Event, key: str | None) -> bool:
    headers: list[tuple[str, str | bytes | None]] = []
    if isinstance(message_id := one.get("messageId"), str):
        headers.append(("messageId", message_id.encode()))
    try:
        producer.produce("pixels", encode(one), key, headers=headers)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
            raise
        return True
    return False


@pytest.fixture(scope="module")
def producer() -> Producer:
    return Producer({"bootstrap.servers": SERVERS, "message.max.bytes": LIMIT, "log_level": 0})


@pytest.mark.parametrize(
    ("one", "key"),
    [
        pytest.param({}, None, id="nothing besides"),
        pytest.param({"messageId": ""}, None, id="an empty id"),
        pytest.param({"messageId": "i" * 63}, None, id="an id whose length takes a byte"),
        pytest.param({"messageId": "i" * 64}, None, id="an id whose length takes two"),
        pytest.param({"messageId": 7, "anonymousId": "ü€" * 9}, "ü€" * 9, id="a key of several bytes a character"),
        pytest.param({"messageId": "1", "userId": "u" * 99, "anonymousId": "a"}, "u" * 99, id="a long key"),
        pytest.param({"messageId": "1", "userId": "", "anonymousId": "a"}, "a", id="a short key"),
    ],
)
def test_the_limit_is_librdkafkas_to_the_byte(producer: Producer, one: Event, key: str | None) -> None:
    sink = Kafka("pixels", bootstrap_servers=SERVERS, message_max_bytes=LIMIT)
    sized = [of_size(one, size) for size in range(1700, LIMIT)]
    verdicts = [is_refused(sink, each) for each in sized]
    assert verdicts == [is_refused_by_librdkafka(producer, each, key) for each in sized]
    assert {*verdicts} == {True, False}


def test_without_a_limit_of_the_users_it_is_a_million_bytes() -> None:
    sink = Kafka("pixels", bootstrap_servers=SERVERS)
    assert not is_refused(sink, event("1", 999_800))
    with pytest.raises(Undeliverable, match=r"^the message has 1000\d\d\d bytes; message\.max\.bytes is 1000000$"):
        sink(event("1", 1_000_000))  # without asking a broker, since none is there
