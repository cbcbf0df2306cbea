"""A sink that produces events to a Kafka topic."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from confluent_kafka import KafkaError

from ...events import Event
from ...system.fork import PerProcess
from ...system.logs import LogThrottle
from ..base import BatchSink, raise_failures
from ..encoding import encode, encode_each
from .client import check_properties
from .config import check_topic, producer_properties
from .library_log import LibraryLog
from .message import Message, as_message
from .producers import Producers
from .verdicts import SET_REFUSED, verdict

logger = logging.getLogger("pixelmw.sinks")

# librdkafka looks once a second for messages whose timeout is over, so a report may come a second late.
_TIMEOUT_MARGIN = 2.0  # seconds


# Nothing is lost if a producer ends later than that. Most end within milliseconds; one that waits for a name server may
# take a minute.
_MAX_CLOSE = 1.0  # seconds


class _Clients(NamedTuple):
    together: Producers
    alone: Producers


class Kafka(BatchSink):
    """Produces each event to *topic*, and returns after the delivery report of each.

    The event is then with all replicas that are in sync: ``acks=all`` and an
    idempotent producer are on, and cannot be turned off. The topic's
    ``min.insync.replicas`` says how many replicas that has to be. With 2 or more,
    an event survives the loss of any broker. With the default of 1, it may not.

    Idempotence keeps librdkafka's own retries from storing an event twice, as
    long as it goes on retrying. An event whose time is over may have been stored
    all the same. So an event that is sent again after ``Unavailable``, or by
    its client, may be in the topic twice, with the same header ``messageId``.
    The key is the userId, or else the anonymousId, so that the events of one
    person stay in order; the value is the event as JSON.

    Threads that store at the same time share a call, and two calls may run at a
    time, each with a producer of its own, which sends at once whatever
    ``linger.ms`` says. Each process makes its own producers with its first
    events. A broker that refuses one event refuses the whole set that it came in. Each
    event of such a set is then sent alone, by a producer that makes no sets, and is
    refused only for what it is. To keep that rare, set ``batch.size`` below the
    topic's ``max.message.bytes``. A producer with which two calls in a row failed is replaced.

    :param topic: the topic's name.
    :param config: librdkafka's properties, with underscores or, unpacked from a
        dict, with dots: ``bootstrap_servers="broker:9092"``. Each call is over
        two seconds after ``message.timeout.ms`` (15,000). Where nobody waits, behind a
        ``Spool`` or a ``Background``, give 60,000: fewer events are then in the topic
        twice. What librdkafka says for itself goes to the logger "pixelmw.sinks", or
        to ``logger``, once a minute for each kind.
    :raises ValueError: for properties that cannot work, or with which an event might not be stored.
    """

    # Of 16 threads with many keys, one lane stored 1,017 events a second, two 1,576, three 1,733; with one key 3,604,
    # 4,213 and 3,713, the slowest in a hundred after 42, 19 and 19 ms. Each lane has connections of its own.
    lanes = 2

    def __init__(self, topic: str, **config: Any) -> None:
        self.topic = check_topic(topic)
        properties = producer_properties(config)
        self._words = LibraryLog(properties.pop("logger", logger))
        check_properties(properties)
        self._servers = properties["bootstrap.servers"]
        # Nothing is given up earlier, whatever timeout is set to: it could be stored, and another try would be a copy.
        self._reported_within = self.timeout = int(properties["message.timeout.ms"]) / 1000 + _TIMEOUT_MARGIN
        self._max_bytes = int(properties["message.max.bytes"])
        self._properties = properties
        self._throttle = LogThrottle()
        self._clients = PerProcess(self._make_clients)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.topic!r}, bootstrap_servers={self._servers!r})"

    def write(self, events: Sequence[Event]) -> None:
        """Store all of *events*.

        :raises Undeliverable: for an event that is not JSON, or that a broker will never take.
        :raises Unavailable: for any other error, also if a report did not come in time.
        :raises PartialFailure: if that happened to some of the events.
        """
        deadline = time.monotonic() + self._reported_within
        messages, refused = encode_each(self._as_message, events)
        failures: dict[int, Exception | None] = {**refused}
        if messages:
            clients = self._clients.get()
            errors = self._send(clients.together, messages, deadline)
            in_sets = {place: messages[place] for place, error in errors.items() if error.code() in SET_REFUSED}
            if in_sets:
                for place in in_sets:
                    del errors[place]
                errors |= self._send(clients.alone, in_sets, deadline)
                self._warn_of_sets(len(in_sets), len(in_sets.keys() - errors.keys()))
            failures |= {place: verdict(error, self.topic, self._words.trouble) for place, error in errors.items()}
            if len(errors) < len(messages):
                self._words.trouble = None
        raise_failures(failures, len(events))

    def check(self, event: Event, encoded: bytes) -> None:
        """Look at the size of the message for *event*: its value, key and header, and what a record takes besides.

        The brokers' own limits are not known here.

        :raises Undeliverable: if it is over ``message.max.bytes`` (1,000,000).
        """
        as_message(event, encoded, self._max_bytes)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until this process has nothing in its producers' queues; return True if that is so.

        :param timeout: seconds; without it, as long as a call may take.
        """
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        clients = self._clients.existing()
        return clients is None or all(producers.flush(deadline) for producers in clients)

    def close(self, timeout: float | None = None) -> None:
        """Close the producers; the next event makes others. Each call has waited for its own events."""
        deadline = time.monotonic() + (_MAX_CLOSE if timeout is None else min(timeout, _MAX_CLOSE))
        if (clients := self._clients.pop()) is not None:
            for producers in clients:
                producers.close(deadline)

    def _as_message(self, event: Event) -> Message:
        return as_message(event, encode(event), self._max_bytes)

    def _send(self, producers: Producers, messages: Mapping[int, Message], deadline: float) -> dict[int, KafkaError]:
        with producers.one() as client:
            return client.send(self.topic, messages, deadline - _TIMEOUT_MARGIN, deadline)

    def _warn_of_sets(self, refused: int, stored: int) -> None:
        if stored and self._throttle.allows("sets"):
            logger.warning(
                "%r: the brokers refused %d events together, and took %d of them one by one; set batch_size below "
                "the topic's max.message.bytes",
                self,
                refused,
                stored,
            )

    def _make_clients(self) -> _Clients:
        alone = {**self._properties, "batch.num.messages": 1}
        return _Clients(Producers(self._properties, self._words), Producers(alone, self._words))
