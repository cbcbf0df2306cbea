"""Web workers to Kafka through a spool on disk, and a consumer that keeps each event once.

Run the workers with ``gunicorn --limit-request-line 8190 --threads 8 kafka_pipeline:application``
and the consumer with ``python kafka_pipeline.py consume``, and look into ``events.db``.
KAFKA_BOOTSTRAP names the brokers, SPOOL_DIR a directory on a local disk, for the workers of one machine.
"""

import json
import logging
import os
import signal
import sys
from contextlib import closing

from confluent_kafka import Consumer, KafkaException, Message
from werkzeug.wrappers import Response

from pixelmw import Event, PixelMiddleware
from pixelmw.delivery import Spool
from pixelmw.sinks import SQLite
from pixelmw.sinks.base import PartialFailure
from pixelmw.sinks.kafka import Kafka

BOOTSTRAP = os.environ.get("KAFKA_BOOTSTRAP", "localhost:9092")
TOPIC = "pixel-events"

kafka = Kafka(TOPIC, bootstrap_servers=BOOTSTRAP)
application = PixelMiddleware(Response("Hello\n"), Spool(os.environ.get("SPOOL_DIR", "spool"), kafka))


def consume() -> None:
    """Store what is in the topic, each messageId once.

    Nothing is lost on the way here, which is why some of it comes twice: a
    browser asks again, a worker that was killed had not noted that Kafka has
    an event, and this process had stored what it read, but not yet said so. The primary
    key of the table tells, however long ago the first one came; no memory could.

    Whatever fails ends the process. Have it started again: it goes on after the
    last offset that it committed.
    """
    config = {
        "bootstrap.servers": BOOTSTRAP,
        "group.id": "events-db",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,  # it would commit what was read, and is not stored yet
    }
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with SQLite(os.environ.get("EVENTS_DB", "events.db")) as database, closing(Consumer(config)) as consumer:
        consumer.subscribe([TOPIC])
        while True:
            if messages := consumer.consume(500, timeout=1.0):
                store(messages, database)
                consumer.commit(asynchronous=False)  # only now


def store(messages: list[Message], database: SQLite) -> None:
    """Store a batch in one transaction; it is on disk when this returns."""
    try:
        database.write([parse(message) for message in messages])
    except PartialFailure as failure:  # all others are stored, and these would fail each time
        logging.error("not pixelmw's: %s", failure)


def parse(message: Message) -> Event:
    """The event in a message; of what somebody else put into the topic, one without a messageId."""
    if (error := message.error()) is not None:
        raise KafkaException(error)
    try:
        event = json.loads(message.value() or b"")
    except ValueError:
        event = None
    return event if isinstance(event, dict) else {}


if __name__ == "__main__" and sys.argv[1:] == ["consume"]:
    consume()
