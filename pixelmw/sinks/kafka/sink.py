"""A sink that produces events to a Kafka topic."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ...events import Event
from ...system.fork import PerProcess
from ..base import BatchSink, Unavailable, Undeliverable, raise_failures
from .client import KafkaClient, RequestRefused, check_properties
from .config import check_topic, producer_properties
from .reports import ExpectedReports

# librdkafka looks once a second for messages whose timeout is over, so a report may come a second late.
_TIMEOUT_MARGIN = 2.0  # seconds


class Kafka(BatchSink):
    """Produces each event to *topic*, and returns after the delivery report of each.

    The event is then with all replicas that are in sync: ``acks=all`` and an
    idempotent producer are on, and cannot be turned off. The topic's
    ``min.insync.replicas`` says how many replicas that has to be. With 2 or more,
    an event survives the loss of any broker. With the default of 1, it may not.

    Idempotence keeps librdkafka's own retries from storing an event twice. An
    event that is sent again after ``Unavailable``, or by its client, is in the
    topic twice, with the same header ``messageId``. The key is the userId, or
    else the anonymousId, so that the events of one person stay in order; the
    value is the event as JSON.

    Threads share a producer. Each process makes its own with its first event. A
    broker that refuses a request refuses all events in it, so each of them is
    sent again alone. To keep that rare, set ``batch.size`` below the topic's
    ``max.message.bytes``.

    :param topic: the topic's name.
    :param config: librdkafka's properties, with underscores or, unpacked from a
        dict, with dots: ``bootstrap_servers="broker:9092"``. Each call is over
        two seconds after ``message.timeout.ms`` (10,000). The log of librdkafka
        goes to the logger "pixelmw.sinks", unless ``logger`` is given.
    :raises ValueError: for properties that cannot work, or with which an event might not be stored.
    """

    def __init__(self, topic: str, **config: Any) -> None:
        self.topic = check_topic(topic)
        properties = producer_properties(config)
        check_properties(properties)
        self._servers = properties["bootstrap.servers"]
        self._timeout = int(properties["message.timeout.ms"]) / 1000
        self._clients = PerProcess(partial(KafkaClient, properties))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.topic!r}, bootstrap_servers={self._servers!r})"

    def write(self, events: Sequence[Event]) -> None:
        """Store all of *events*.

        :raises Undeliverable: for an event that is not JSON, or that a broker will never take.
        :raises Unavailable: for any other error, also if a report did not come in time.
        :raises PartialFailure: if that happened to some of the events.
        """
        deadline = time.monotonic() + self._timeout + _TIMEOUT_MARGIN
        failures = self._send(dict(enumerate(events)), deadline)
        if len(events) > 1:
            for place in [place for place, error in failures.items() if isinstance(error, RequestRefused)]:
                del failures[place]
                failures |= self._send({place: events[place]}, deadline)
        raise_failures(failures, len(events))

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until this process has nothing in the producer's queue; return True if that is so.

        :param timeout: seconds; without it, as long as a call may take.
        """
        client = self._clients.existing()
        return client is None or client.flush(self._flush_timeout(timeout))

    def close(self, timeout: float | None = None) -> None:
        """Flush, and close the producer; the next event makes another."""
        if (client := self._clients.pop()) is not None:
            client.flush(self._flush_timeout(timeout))

    def _flush_timeout(self, timeout: float | None) -> float:
        return self._timeout + _TIMEOUT_MARGIN if timeout is None else timeout

    def _send(self, events: Mapping[int, Event], deadline: float) -> dict[int, Exception | None]:
        """Produce *events*, wait for their reports, and return what failed."""
        try:
            client = self._working_client()
        except Unavailable as error:
            return dict.fromkeys(events, error)
        failures: dict[int, Exception | None] = {}
        expected: ExpectedReports[Exception | None] = ExpectedReports()
        produced = []
        for place, event in events.items():
            try:
                client.produce(self.topic, event, partial(expected.add, place), deadline - _TIMEOUT_MARGIN)
                produced.append(place)
            except (Undeliverable, Unavailable) as error:
                failures[place] = error
        expected.count = len(produced)
        client.reports.wait(expected, deadline)
        for place in produced:
            if place not in expected.reports:
                failures[place] = Unavailable("there was no delivery report in time")
            elif (reported := expected.reports[place]) is not None:
                failures[place] = reported
        return failures

    def _working_client(self) -> KafkaClient:
        client = self._clients.get()
        if client.has_failed.is_set():  # it takes nothing any more
            self._clients.pop()
            client = self._clients.get()
        return client
