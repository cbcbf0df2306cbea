"""What is in a topic of Kafka, as a consumer finds it in another process."""

from __future__ import annotations

import json
from typing import Any

from tests.support.processes import run


def consume(servers: str, topic: str) -> list[dict[str, Any]]:
    """The messages in *topic*, by partition and in order: key, headers, value, and the event that the value is."""
    lines = run(_CONSUME, servers, topic)
    return sorted(map(json.loads, lines), key=lambda message: (message["partition"], message["offset"]))


_CONSUME = """
import json, sys
from confluent_kafka import Consumer, TopicPartition, OFFSET_BEGINNING

servers, topic = sys.argv[1:]
consumer = Consumer({"bootstrap.servers": servers, "group.id": "reader", "log_level": 0})
left = {}
for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
    if end > 0:
        left[partition] = end
consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in left])
while left:
    message = consumer.poll(10)
    assert message is not None and message.error() is None, message and message.error()
    headers = {name: value.decode() for name, value in message.headers() or ()}
    print(json.dumps({
        "partition": message.partition(), "offset": message.offset(), "headers": headers,
        "key": None if message.key() is None else message.key().decode(),
        "value": message.value().decode(), "event": json.loads(message.value()),
    }, separators=(",", ":")).replace(" ", "\\\\u0020"), flush=True)
    if message.offset() + 1 >= left[message.partition()]:
        del left[message.partition()]
consumer.close()
"""
