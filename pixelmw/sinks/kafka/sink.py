"""A sink that produces events to a Kafka topic."""

from __future__ import annotations

import ctypes
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ...events import Event
from ...system.fork import PerProcess
from ..base import BatchSink, Unavailable, Undeliverable, raise_failures
from ..encoding import encode
from .config import check_config, check_topic
from .reports import ExpectedReports, ReportDispatcher

try:
    from confluent_kafka import KafkaError, KafkaException, Producer
except ImportError as error:
    raise ImportError("pixelmw.sinks.kafka needs confluent-kafka: pip install pixelmw[kafka]") from error

logger = logging.getLogger("pixelmw")

# librdkafka looks once a second for messages whose time is up.
_MARGIN = 2.0  # seconds
_PAUSE = 0.01  # seconds, before another look at a queue

_REFUSED = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_MSG_SIZE,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
}


class Kafka(BatchSink):
    """Produces each event to *topic*, and returns after the delivery report of each.

    Then the event is with all replicas that are in sync: ``acks=all`` and an
    idempotent producer are on, and cannot be turned off. How many replicas that
    has to be is the topic's ``min.insync.replicas``: with 2 or more an event
    survives the loss of any broker, with the default of 1 it may not.

    Idempotence keeps librdkafka's own retries from storing an event twice. One
    that is sent again after ``Unavailable``, or by its client, is in the topic
    twice: the header ``messageId`` tells. The key is the userId or else the
    anonymousId, so that one person's events stay in order; the value is the
    event as JSON.

    Threads share a producer, and each process makes its own with its first
    event. What a broker refuses in company is sent again alone, since it may be
    another event's fault; so that this stays rare, keep ``batch.size`` below the
    topic's ``max.message.bytes``.

    :param topic: the topic's name.
    :param config: librdkafka's properties, with underscores or, unpacked from a
        dict, with dots: ``bootstrap_servers="broker:9092"``. Each call is over
        two seconds after ``message.timeout.ms`` (10,000). Logs go to the logger
        "pixelmw", unless ``logger`` is given.
    :raises ValueError: for properties that cannot work, or break the promise.
    """

    def __init__(self, topic: str, **config: Any) -> None:
        self.topic = check_topic(topic)
        properties = check_config(config)
        _try_out(properties)
        self._servers = properties["bootstrap.servers"]
        self._timeout = int(properties["message.timeout.ms"]) / 1000
        self._clients = PerProcess(partial(_Client, properties))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.topic!r}, bootstrap_servers={self._servers!r})"

    def write(self, events: Sequence[Event]) -> None:
        """Store all of *events*.

        :raises Undeliverable: for an event that is not JSON, or that a broker will never take.
        :raises Unavailable: for all else, also where no report came in time.
        :raises PartialFailure: where some of the events met with that.
        """
        deadline = time.monotonic() + self._timeout + _MARGIN
        failures = self._send(dict(enumerate(events)), deadline)
        if len(events) > 1:
            for place in [place for place, error in failures.items() if isinstance(error, _Refused)]:
                del failures[place]
                failures |= self._send({place: events[place]}, deadline)
        raise_failures(failures, len(events))

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until this process has nothing under way; tells whether that is so.

        :param timeout: seconds; without it, as long as a call may take.
        """
        client = self._clients.existing()
        return client is None or client.flush(self._patience(timeout))

    def close(self, timeout: float | None = None) -> None:
        """Flush, and let go of the producer; the next event makes another."""
        if (client := self._clients.pop()) is not None:
            client.flush(self._patience(timeout))

    def _patience(self, timeout: float | None) -> float:
        return self._timeout + _MARGIN if timeout is None else timeout

    def _send(self, events: Mapping[int, Event], deadline: float) -> dict[int, Exception | None]:
        """Produce *events*, wait for their reports, and return what failed."""
        try:
            client = self._client()
        except KafkaException as error:
            return dict.fromkeys(events, Unavailable(f"no producer could be made: {error.args[0].str()}"))
        failures: dict[int, Exception | None] = {}
        expected: ExpectedReports[KafkaError | None] = ExpectedReports()
        produced = []
        for place, event in events.items():
            try:
                client.produce(self.topic, event, partial(_take, expected, place), deadline - _MARGIN)
                produced.append(place)
            except (Undeliverable, Unavailable) as error:
                failures[place] = error
        expected.count = len(produced)
        client.reports.wait(expected, deadline)
        for place in produced:
            if place not in expected.reports:
                failures[place] = Unavailable("there was no delivery report in time")
            elif (report := expected.reports[place]) is not None:
                failures[place] = _exception(report, _Refused)
        return failures

    def _client(self) -> _Client:
        client = self._clients.get()
        if client.fatal.is_set():  # it takes nothing any more
            self._clients.pop()
            client = self._clients.get()
        return client


class _Refused(Undeliverable):
    """A broker refused the request that the event was in."""


class _Client:
    """A producer, and those who wait for its reports."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self._owner = os.getpid()
        self.fatal = threading.Event()
        self._producer = Producer(dict(properties))
        self.reports = ReportDispatcher(partial(_poll, self._producer, self.fatal))

    def __del__(
        self, pid: Callable[[], int] = os.getpid, api: Any = ctypes.pythonapi, ref: Any = ctypes.py_object
    ) -> None:
        # In a child that inherited the producer its destructor would wait for threads that only the parent has, even
        # at the exit of the interpreter: there, it has to outlive everything.
        if self._owner != pid():
            api.Py_IncRef(ref(self._producer))

    def produce(
        self, topic: str, event: Event, on_delivery: Callable[[KafkaError | None, Any], None], deadline: float
    ) -> None:
        """Put an event into the producer's queue, once there is room; *deadline* is on the monotonic clock."""
        value = encode(event)
        ids = (event.get(name) for name in ("userId", "anonymousId"))
        key = next((one.encode() for one in ids if isinstance(one, str) and one), None)
        message_id = event.get("messageId")
        headers: list[tuple[str, str | bytes | None]] = []
        if isinstance(message_id, str):
            headers.append(("messageId", message_id.encode()))
        while True:
            try:
                return self._producer.produce(topic, value, key, headers=headers, on_delivery=on_delivery)
            except BufferError:
                if time.monotonic() > deadline:
                    raise Unavailable("the producer's queue stayed full") from None
            except KafkaException as error:
                if error.args[0].code() == KafkaError._FATAL:
                    self.fatal.set()
                raise _exception(error.args[0]) from error
            self.reports.pause(_PAUSE)

    def flush(self, timeout: float) -> bool:
        """Wait until the queue is empty; tells whether it is."""
        deadline = time.monotonic() + timeout
        while len(self._producer) and time.monotonic() < deadline:
            self.reports.pause(_PAUSE)
        return not len(self._producer)


def _try_out(properties: Mapping[str, Any]) -> None:
    """Have librdkafka check the properties, without a broker or a token to ask for."""
    try:
        Producer({name: value for name, value in properties.items() if name not in ("bootstrap.servers", "oauth_cb")})
    except KafkaException as error:
        raise ValueError(f"librdkafka does not take this configuration: {error.args[0].str()}") from None


def _take(expected: ExpectedReports[KafkaError | None], place: int, report: KafkaError | None, message: Any) -> None:
    expected.add(place, report)


def _poll(producer: Producer, fatal: threading.Event, seconds: float) -> None:
    try:
        producer.poll(seconds)
    except KafkaException as error:  # confluent-kafka's way to tell of an error after which the producer takes nothing
        fatal.set()
        logger.error("the producer has failed for good, and will be replaced: %s", error.args[0].str())


def _exception(error: KafkaError, refused: type[Undeliverable] = Undeliverable) -> Exception:
    return (refused if error.code() in _REFUSED else Unavailable)(f"{error.str()} ({error.name()})")
