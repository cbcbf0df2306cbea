"""One producer of one process: it puts events into librdkafka's queue, and translates librdkafka's errors."""

from __future__ import annotations

import ctypes
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ...events import Event
from ..encoding import encode
from ..errors import Unavailable, Undeliverable
from .reports import ReportDispatcher

try:
    from confluent_kafka import KafkaError, KafkaException, Producer
except ImportError as error:
    raise ImportError("pixelmw.sinks.kafka needs confluent-kafka: pip install pixelmw[kafka]") from error

logger = logging.getLogger("pixelmw.sinks")

_QUEUE_PAUSE = 0.01  # seconds before the next look at a queue that is full, or not yet empty

# Errors for which an event may be at fault.
_EVENT_ERROR_CODES = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_MSG_SIZE,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
}

#: Takes the delivery report of an event: an error, or ``None`` once the event is stored.
OnReport = Callable[[Exception | None], object]


class RequestRefused(Undeliverable):
    """A broker refused the request that the event was in. Another event of the same request may be at fault."""


class KafkaClient:
    """A producer, and the dispatcher of its delivery reports.

    :param properties: librdkafka's properties.
    :ivar has_failed: set once the producer takes nothing any more.
    :raises Unavailable: if no producer can be made with *properties* at the moment.
    """

    _producer: Any = None  # __del__ needs one, also if none could be made

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self._pid = os.getpid()
        self.has_failed = threading.Event()
        try:
            self._producer = Producer(dict(properties))
        except KafkaException as error:
            raise Unavailable(f"no producer could be made: {error.args[0].str()}") from error
        self.reports = ReportDispatcher(partial(_poll_producer, self._producer, self.has_failed))

    def __del__(
        self, pid: Callable[[], int] = os.getpid, api: Any = ctypes.pythonapi, ref: Any = ctypes.py_object
    ) -> None:
        # A child process must never destroy a producer that it inherited, not even when the interpreter exits: the
        # producer's destructor would wait for threads that exist only in the parent. One more reference keeps it.
        if self._pid != pid():
            api.Py_IncRef(ref(self._producer))

    def produce(self, topic: str, event: Event, on_report: OnReport, deadline: float) -> None:
        """Put an event into the producer's queue, once there is room.

        :param on_report: called once, by whichever thread polls.
        :param deadline: when to give up waiting for room, on the monotonic clock.
        :raises Undeliverable: if the event is not JSON, or too large for the producer.
        :raises Unavailable: if there was no room in time, or the producer takes nothing.
        """
        value = encode(event)
        ids = (event.get(name) for name in ("userId", "anonymousId"))
        key = next((each.encode() for each in ids if isinstance(each, str) and each), None)
        message_id = event.get("messageId")
        headers: list[tuple[str, str | bytes | None]] = []
        if isinstance(message_id, str):
            headers.append(("messageId", message_id.encode()))

        def on_delivery(report: KafkaError | None, message: object) -> None:
            on_report(None if report is None else _as_sink_error(report, RequestRefused))

        while True:
            try:
                self._producer.produce(topic, value, key, headers=headers, on_delivery=on_delivery)
                return
            except BufferError:
                if time.monotonic() > deadline:
                    raise Unavailable("the producer's queue stayed full") from None
            except KafkaException as error:
                if error.args[0].code() == KafkaError._FATAL:
                    self.has_failed.set()
                raise _as_sink_error(error.args[0], Undeliverable) from error
            self.reports.pause(_QUEUE_PAUSE)

    def flush(self, timeout: float) -> bool:
        """Wait at most *timeout* seconds until the queue is empty; return True if it is."""
        deadline = time.monotonic() + timeout
        while len(self._producer) and time.monotonic() < deadline:
            self.reports.pause(_QUEUE_PAUSE)
        return not len(self._producer)


def check_properties(properties: Mapping[str, Any]) -> None:
    """Let librdkafka check *properties*, without connecting to a broker or asking for a token.

    :raises ValueError: if librdkafka does not take them.
    """
    try:
        Producer({name: value for name, value in properties.items() if name not in ("bootstrap.servers", "oauth_cb")})
    except KafkaException as error:
        raise ValueError(f"librdkafka does not take this configuration: {error.args[0].str()}") from None


def _poll_producer(producer: Producer, has_failed: threading.Event, seconds: float) -> None:
    try:
        producer.poll(seconds)
    except KafkaException as error:  # confluent-kafka raises from poll once the producer can take nothing any more
        has_failed.set()
        logger.error("the producer has failed for good, and will be replaced: %s", error.args[0].str())


def _as_sink_error(error: KafkaError, refused: type[Undeliverable]) -> Exception:
    return (refused if error.code() in _EVENT_ERROR_CODES else Unavailable)(f"{error.str()} ({error.name()})")
