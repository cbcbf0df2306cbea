"""The Kafka sink on librdkafka's mock brokers: what is in the topic, also with several threads and processes."""

from __future__ import annotations

import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from confluent_kafka import KafkaError

from pixelmw import Event
from pixelmw.sinks.kafka import Kafka
from tests.support.mock_brokers import ONE_AT_A_TIME, MockBrokers, mock_brokers, property_names
from tests.support.processes import event, run

SERVERS = "127.0.0.1:1"


@pytest.fixture(scope="module")
def brokers() -> Iterator[MockBrokers]:
    with mock_brokers() as running:
        yield running


@pytest.fixture
def topic(brokers: MockBrokers, request: pytest.FixtureRequest) -> str:
    """A topic of the test's own."""
    name = re.sub("[^a-z-]", "_", request.node.name)
    brokers.create_topic(name)
    return name


@pytest.fixture
def sink(brokers: MockBrokers, topic: str) -> Iterator[Kafka]:
    with Kafka(topic, bootstrap_servers=brokers.bootstrap_servers) as open_sink:
        yield open_sink


def test_an_event_is_in_the_topic_with_its_key_and_its_id(brokers: MockBrokers, sink: Kafka) -> None:
    events: list[Event] = [
        {"messageId": "0", "userId": "ü€", "anonymousId": "a"},
        {"messageId": "1", "anonymousId": "a"},
        {"messageId": "2", "userId": 7, "anonymousId": "a"},
        {"messageId": "3", "userId": "", "anonymousId": ""},
        {"messageId": "4"},
        {"messageId": 5, "n": [1.5, None, True], "text": "ü€𝄞 \n"},
    ]
    sink(events[0])
    sink.write(events[1:])
    found = brokers.messages(sink.topic)
    assert [message["event"] for message in found] == events
    assert [message["key"] for message in found] == ["ü€", "a", "a", None, None, None]
    assert [message["headers"] for message in found] == [*({"messageId": str(number)} for number in range(5)), {}]
    assert found[5]["value"] == json.dumps(events[5], ensure_ascii=False, separators=(",", ":"))


def test_an_empty_batch_asks_for_nothing(sink: Kafka) -> None:
    sink.write([])
    assert sink.flush(0)


def test_one_persons_events_stay_in_order_while_brokers_fail(brokers: MockBrokers) -> None:
    brokers.create_topic("persons", partitions=4)
    with Kafka("persons", bootstrap_servers=brokers.bootstrap_servers, **ONE_AT_A_TIME) as sink:
        for number in range(5):
            brokers.fail(KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.REQUEST_TIMED_OUT)
            sink.write([event(f"{number:02}-{n}") | {"userId": f"person {n % 7}"} for n in range(10, 50)])
    partitions, orders = defaultdict(set), defaultdict(list)
    for message in brokers.messages("persons"):
        partitions[message["key"]].add(message["partition"])
        orders[message["key"]].append(message["event"]["messageId"])
    assert len(orders) == 7
    assert sum(map(len, orders.values())) == 200
    for person, order in orders.items():
        assert len(partitions[person]) == 1
        assert order == sorted(set(order))
    assert len(set.union(*partitions.values())) > 1


def test_a_batch_larger_than_the_producers_queue_is_stored(brokers: MockBrokers, topic: str) -> None:
    ids = [str(number) for number in range(200)]
    settings = {"queue.buffering.max.messages": 10, "bootstrap.servers": brokers.bootstrap_servers}
    with Kafka(topic, **settings) as sink:
        sink.write([event(message_id) for message_id in ids])
    assert brokers.ids(topic) == ids


_FORK = """
import ctypes, gc, os, signal, sys
from pixelmw.sinks.kafka import Kafka
from tests.support.processes import event

servers, topic, how = sys.argv[1:]
signal.alarm(20)
sink = Kafka(topic, bootstrap_servers=servers)
sink(event("before"))
children = {}
for what in ("stores", "drops", "only ends"):
    # uWSGI forks without Python's knowledge.
    pid = os.fork() if how == "os.fork" else ctypes.PyDLL(None).fork()
    if pid == 0:
        if what == "stores":
            sink.write([event(f"child-{number}") for number in range(100)])
        if what == "drops":
            del sink
            gc.collect()
        sys.exit()
    children[pid] = what
sink.write([event(f"parent-{number}") for number in range(100)])
for pid in children:
    print(os.waitpid(pid, 0)[1])
"""


@pytest.mark.parametrize("how", ["os.fork", "fork"])
def test_parent_and_child_both_store_and_all_end(brokers: MockBrokers, topic: str, how: str) -> None:
    assert run(_FORK, brokers.bootstrap_servers, topic, how) == ["0", "0", "0"]
    expected = ["before", *(f"{name}-{number}" for name in ("child", "parent") for number in range(100))]
    assert sorted(brokers.ids(topic)) == sorted(expected)


def test_librdkafka_logs_to_the_logger_of_the_sinks_or_to_the_users_own(
    caplog: pytest.LogCaptureFixture, free_port: int
) -> None:
    options: dict[str, Any] = {"bootstrap_servers": f"127.0.0.1:{free_port}", "message_timeout_ms": 100}
    sinks = (Kafka("pixels", **options), Kafka("pixels", logger=logging.getLogger("mine"), **options))
    with ThreadPoolExecutor() as threads:
        errors = [threads.submit(sink, event("1")).exception for sink in sinks]
    assert all("timed out" in str(error()) for error in errors)
    heard = {record.name for record in caplog.records if "Connection refused" in record.getMessage()}
    assert heard == {"pixelmw.sinks", "mine"}


def test_a_callback_that_raises_does_no_harm(
    brokers: MockBrokers, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    def stats_cb(stats: str) -> None:
        raise KeyError("my own fault")

    options: dict[str, Any] = {"stats_cb": stats_cb, "statistics_interval_ms": 1}
    with Kafka(topic, bootstrap_servers=brokers.bootstrap_servers, **options) as sink:
        sink.write([event(str(number)) for number in range(100)])
    assert len(brokers.ids(topic)) == 100
    assert "my own fault" in caplog.text


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({}, "bootstrap.servers is missing: give the brokers"),
        ({"bootstrap_servers": ""}, "bootstrap.servers is missing"),
        ({"bootstrap.servers": SERVERS, "bootstrap_servers": SERVERS}, "the same property"),
        ({"bootstrap.servers": SERVERS, "metadata_broker_list": SERVERS}, "the same property"),
        ({"bootstrap.servers": SERVERS, "message.timeout.ms": 1, "delivery.timeout.ms": 1}, "the same property"),
        ({"bootstrap.servers": SERVERS, "acks": 1}, "acks=all"),
        ({"bootstrap.servers": SERVERS, "request_required_acks": "0"}, "acks=all"),
        ({"bootstrap.servers": SERVERS, "enable_idempotence": False}, "enable.idempotence is off"),
        ({"bootstrap.servers": SERVERS, "enable.idempotence": "false"}, "enable.idempotence is off"),
        ({"bootstrap.servers": SERVERS, "message_timeout_ms": 0}, "positive number of milliseconds"),
        ({"bootstrap.servers": SERVERS, "message_timeout_ms": "soon"}, "positive number of milliseconds"),
        ({"bootstrap.servers": SERVERS, "message_timeout_ms": None}, "positive number of milliseconds"),
        ({"bootstrap.servers": SERVERS, "delivery_report_only_error": True}, "delivery report for each event"),
        ({"bootstrap.servers": SERVERS, "on_delivery": print}, "delivery report for each event"),
        ({"bootstrap.servers": SERVERS, "transactional_id": "t"}, "delivery report for each event"),
        ({"bootstrap.servers": SERVERS, "sasl_passwrd": "secret"}, "No such configuration property"),
        ({"bootstrap.servers": SERVERS, "max_in_flight": 9}, "max.in.flight"),
        ({"bootstrap.servers": SERVERS, "linger_ms": 20_000}, "linger.ms"),
        ({"bootstrap.servers": SERVERS, "ssl_ca_location": "/nowhere", "security_protocol": "ssl"}, "ssl.ca.location"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_at_once(config: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        Kafka("pixels", **config)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("topic", ["", "a b", "a/b", "x" * 250])
def test_a_name_that_no_topic_can_have_is_refused(topic: str) -> None:
    with pytest.raises(ValueError, match="topic is"):
        Kafka(topic, bootstrap_servers=SERVERS)


def test_the_settings_of_the_promise_may_be_spelled_as_librdkafka_takes_them() -> None:
    for acks, idempotence in (("all", "true"), (-1, True), ("-1", "1")):
        Kafka("pixels", bootstrap_servers=SERVERS, acks=acks, enable_idempotence=idempotence)


def test_properties_that_librdkafka_spells_with_underscores_keep_them() -> None:
    spelled = [name for name in property_names() if "_" in name and not name.endswith("_cb")]
    assert "log_level" in spelled
    for name in spelled:
        Kafka("pixels", **{"bootstrap_servers": SERVERS, name: "1"})


def test_a_token_is_not_asked_for_before_the_first_event() -> None:
    def oauth_cb(config: str) -> None:
        raise AssertionError("nobody may ask yet")

    options = {"security_protocol": "sasl_plaintext", "sasl_mechanisms": "OAUTHBEARER", "oauth_cb": oauth_cb}
    Kafka("pixels", bootstrap_servers=SERVERS, **options)


def test_the_representation_has_no_secrets() -> None:
    options = {"sasl_password": "secret", "ssl.key.password": "secret", "sasl_username": "secret"}
    text = repr(Kafka("pixels", bootstrap_servers=SERVERS, **options))
    assert text == f"Kafka('pixels', bootstrap_servers='{SERVERS}')"


def test_without_confluent_kafka_the_import_says_what_to_install() -> None:
    script = """
import sys
sys.modules["confluent_kafka"] = None
try:
    import pixelmw.sinks.kafka
except ImportError as error:
    print(*str(error).split())
"""
    assert "pixelmw[kafka]" in run(script)
