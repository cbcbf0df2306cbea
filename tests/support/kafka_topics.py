"""The topics of a Kafka: made, changed and deleted, and what is in them, as a consumer finds it in another process."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from tests.support.processes import run

TIMEOUT = 120.0  # seconds, for anything that the brokers are waited for
#: Who is let in with the tests' password, where there is one.
USER = "pixel"


class KafkaTopics:
    """The topics behind *bootstrap_servers*, where anybody is let in and may do anything.

    :param replicas: how many each partition has.
    :ivar silence: seconds; see :func:`consume`.
    :ivar sasl_servers: where :data:`USER` has to log in, if there is such a place.
    """

    silence = 0.0
    sasl_servers = ""

    def __init__(self, bootstrap_servers: str, *, replicas: int = 1) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
        self._replicas = replicas

    def leader(self, topic: str, partition: int = 0) -> int:
        """The number of the node that leads a partition."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            partitions = self.admin.list_topics(topic, timeout=TIMEOUT).topics[topic].partitions
            if partition in partitions and (number := partitions[partition].leader) >= 0:  # -1: nobody
                return int(number)
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def create_topic(self, name: str, partitions: int = 1, **config: object) -> None:
        """Make a topic with a replica on each node, and wait until it is led; underscores stand for dots."""
        topic = NewTopic(name, partitions, self._replicas, config=_with_dots(config))
        self.admin.create_topics([topic])[name].result(TIMEOUT)
        for partition in range(partitions):
            self.leader(name, partition)

    def configure_topic(self, name: str, **config: object) -> None:
        """Change properties of a topic."""
        entries = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
            for key, value in _with_dots(config).items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        self.admin.incremental_alter_configs([resource])[resource].result(TIMEOUT)

    def deny(self, topic: str) -> None:
        """Forbid :data:`USER` to write to a topic."""
        denied = AclBinding(*_acl(topic), f"User:{USER}", "*", AclOperation.WRITE, AclPermissionType.DENY)
        self.admin.create_acls([denied])[denied].result(TIMEOUT)

    def allow(self, topic: str) -> None:
        """Take that back."""
        rules = AclBindingFilter(*_acl(topic), f"User:{USER}", "*", AclOperation.ANY, AclPermissionType.ANY)
        self.admin.delete_acls([rules])[rules].result(TIMEOUT)

    def delete_topic(self, name: str) -> None:
        """Delete a topic, and wait until no node names it."""
        self.admin.delete_topics([name])[name].result(TIMEOUT)
        deadline = time.monotonic() + TIMEOUT
        while name in self.admin.list_topics(timeout=TIMEOUT).topics:
            assert time.monotonic() < deadline

    def messages(self, topic: str) -> list[dict[str, Any]]:
        """What is in a topic, by partition and in order."""
        return consume(self.bootstrap_servers, topic, silence=self.silence)

    def ids(self, topic: str) -> list[str]:
        """The messageIds in a topic."""
        return [message["headers"]["messageId"] for message in self.messages(topic)]


def _with_dots(config: Mapping[str, object]) -> dict[str, str]:
    return {key.replace("_", "."): str(value) for key, value in config.items()}


def _acl(topic: str) -> tuple[ResourceType, str, ResourcePatternType]:
    return ResourceType.TOPIC, topic, ResourcePatternType.LITERAL


def consume(servers: str, topic: str, *, silence: float = 0.0) -> list[dict[str, Any]]:
    """The messages in *topic*, by partition and in order: key, headers, value, and the event that the value is.

    :param silence: read on until nothing comes for so many seconds; otherwise up to where the brokers say the end is.
    """
    lines = run(_CONSUME, servers, topic, silence)
    return sorted(map(json.loads, lines), key=lambda message: (message["partition"], message["offset"]))


_CONSUME = """
import json, sys
from confluent_kafka import Consumer, TopicPartition, OFFSET_BEGINNING

servers, topic, silence = sys.argv[1:]
consumer = Consumer({"bootstrap.servers": servers, "group.id": "reader", "log_level": 0})
left = {}
for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
    if end > 0 or float(silence):
        left[partition] = end
consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in left])
while left:
    message = consumer.poll(float(silence) or 10)
    if message is None and float(silence):
        break
    assert message is not None and message.error() is None, message and message.error()
    headers = {name: value.decode() for name, value in message.headers() or ()}
    print(json.dumps({
        "partition": message.partition(), "offset": message.offset(), "headers": headers,
        "key": None if message.key() is None else message.key().decode(),
        "value": message.value().decode(), "event": json.loads(message.value()),
    }, separators=(",", ":")).replace(" ", "\\\\u0020"), flush=True)
    if not float(silence) and message.offset() + 1 >= left.get(message.partition(), float("inf")):
        del left[message.partition()]
consumer.close()
"""
