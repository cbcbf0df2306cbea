"""One producer of one process: it sends messages, waits until all of them are reported, and knows when it is spent.

A producer counts failures for each partition, and for the topic as a whole. A message fails if it is not stored for a
reason that is neither its own nor for an operator to mend: its time is over, or the brokers do not know the producer.

=========  ======================================================================  ==========
it         what happens                                                            it becomes
=========  ======================================================================  ==========
works      some of the messages for it are stored, or refused by the brokers       works
works      all of the messages that a call has for it fail                         doubtful
doubtful   some of the messages for it are stored, or refused by the brokers       works
doubtful   all of the messages that a call has for it fail                         spent
any        librdkafka says that the producer can take nothing any more             spent
=========  ======================================================================  ==========

A producer is not used again once one of its partitions is spent, or all of them
together. After a broker has lost its state, a producer may wait for ever, or
hear for ever that it is fenced, where a new one goes on. That may befall a single
partition, while visitors whose events go to the others see nothing of it.
"""

from __future__ import annotations

import ctypes
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from confluent_kafka import KafkaError, KafkaException, Producer

from ...system.logs import LogThrottle
from ...system.threads import outside_gevent, run_elsewhere
from ..errors import Unavailable
from .library_log import printable
from .message import Message
from .verdicts import REFUSED

logger = logging.getLogger("pixelmw.sinks")

_MAX_WAIT = 0.1  # seconds; a signal has to wait for the end of a wait in C, since Python cannot handle it before
_MAX_FAILURES = 2  # in a row; one may be an outage that ends before a new producer would have connected
_QUEUE_PAUSE = 0.01  # seconds before the next look at a queue that is full, or not yet empty
_ANY_PARTITION = -1  # librdkafka's number where it has not chosen one yet; here it also stands for all of them together

#: In place of an error: the report did not come in time, or the producer's queue stayed full.
NO_REPORT = KafkaError(KafkaError._TIMED_OUT, "there was no delivery report in time")
QUEUE_FULL = KafkaError(KafkaError._TIMED_OUT_QUEUE, "the producer's queue stayed full")

# What is told of a message: its error, if it was not stored, and its partition. A plain tuple, since one is made for
# each event.
_Report: TypeAlias = tuple[KafkaError | None, int]


class KafkaClient:
    """A producer; one thread at a time sends with it.

    :param properties: librdkafka's properties.
    :param throttle: how often it says the same.
    :ivar is_sending: True while a thread sends, and waits for reports.
    :ivar is_spent: True once the producer is of no use any more.
    :ivar has_ended: True once it was retired and has ended.
    :raises Unavailable: if no producer can be made with *properties* at the moment.
    """

    _producer: Any = None  # also where none could be made, for __del__, and where it has gone

    def __init__(self, properties: Mapping[str, Any], throttle: LogThrottle) -> None:
        self._pid = os.getpid()
        self._throttle = throttle
        try:
            self._producer = Producer(dict(properties))
        except KafkaException as error:
            raise Unavailable(f"no producer could be made: {error.args[0].str()}") from error
        # A flush sends at once what is in the queue. So the events of a call are sent together, and no linger.ms delays
        # them: with one thread it stored 580 events a second where polling with linger.ms=1 stored 181, with 16 threads
        # 3,142 where polling with linger.ms=0 stored 1,652.
        self._flush = outside_gevent(type(self._producer).flush)
        self._failures: dict[int, int] = {}  # calls in a row, by partition
        self.is_sending = False
        self.is_spent = False
        self.has_ended = False

    def __del__(
        self, pid: Callable[[], int] = os.getpid, api: Any = ctypes.pythonapi, ref: Any = ctypes.py_object
    ) -> None:
        # A child process must never destroy a producer that it inherited, not even when the interpreter exits: the
        # producer's destructor would wait for threads that exist only in the parent. One more reference keeps it.
        if self._pid != pid():
            api.Py_IncRef(ref(self._producer))

    def send(
        self, topic: str, messages: Mapping[int, Message], room_until: float, deadline: float
    ) -> dict[int, KafkaError]:
        """Send *messages*, and return the error of each one that was not stored, by its place.

        :param room_until: when to give up waiting for room in the producer's queue, on the monotonic clock.
        :param deadline: when to give up waiting for reports.
        """
        reports: dict[int, _Report] = {}
        self.is_sending = True
        try:
            for place, message in messages.items():
                if (error := self._produce(topic, message, partial(_note, reports, place), room_until)) is not None:
                    reports[place] = error, _ANY_PARTITION
            while len(reports) < len(messages) and (remaining := deadline - time.monotonic()) > 0:
                self._wait(min(remaining, _MAX_WAIT))
        finally:
            self.is_sending = False
        for place in messages.keys() - reports.keys():
            reports[place] = NO_REPORT, _ANY_PARTITION
        failures = {place: error for place in messages if (error := reports[place][0]) is not None}
        if failures or self._failures:
            self._judge_itself(list(reports.values()))
        return failures

    def serve(self) -> None:
        """Let callbacks run for what there is, without waiting."""
        if (producer := self._producer) is not None:
            self._run_callbacks(producer.poll, 0)

    def retire(self) -> None:
        """Let the producer end, without waiting for that; it cannot be used any more.

        librdkafka waits for its threads then, and one of them may ask a name
        server that does not answer (with one that took six seconds: five).
        """
        held = [self._producer]
        self._producer = None

        def end() -> None:
            held.clear()
            self.has_ended = True

        run_elsewhere(end)

    def flush(self, deadline: float) -> bool:
        """Wait until the queue is empty; return True if it is at *deadline* at the latest."""
        while not self._is_empty() and time.monotonic() < deadline:
            if self.is_sending:  # its reports belong to the thread that sends
                time.sleep(_QUEUE_PAUSE)
            else:
                self._wait(_QUEUE_PAUSE)
        return self._is_empty()

    def _is_empty(self) -> bool:
        return (producer := self._producer) is None or not len(producer)

    def _wait(self, seconds: float) -> None:
        """Send what is in the queue, and let callbacks run for at most *seconds*, or until all of it is reported."""
        if (producer := self._producer) is not None:
            self._run_callbacks(partial(self._flush, producer), seconds)

    def _run_callbacks(self, serve: Callable[[float], object], seconds: float) -> None:
        try:
            serve(seconds)
        except KafkaException as error:  # confluent-kafka raises once the producer can take nothing any more
            self.is_spent = True
            if self._throttle.allows("failed"):
                reason = printable(error.args[0].str())
                logger.error("the producer has failed for good, and will be replaced: %s", reason)
        except Exception:  # which is given no event
            if self._throttle.allows("callback"):
                logger.exception("a callback raised while the client was polled for delivery reports")

    def _produce(
        self, topic: str, message: Message, on_delivery: Callable[[KafkaError | None, object], object], until: float
    ) -> KafkaError | None:
        while True:
            try:
                self._producer.produce(
                    topic, message.value, message.key, headers=message.headers, on_delivery=on_delivery
                )
            except BufferError:
                if time.monotonic() > until:
                    return QUEUE_FULL
                self._wait(_QUEUE_PAUSE)
            except KafkaException as error:
                refused: KafkaError = error.args[0]
                return refused
            else:
                return None

    def _judge_itself(self, reports: Sequence[_Report]) -> None:
        all_failed: dict[int, bool] = {}
        for error, partition in reports:
            if error is not None and (error.fatal() or error.code() == KafkaError._FATAL):
                self.is_spent = True
            failed = error is not None and error.code() not in REFUSED
            for each in {partition, _ANY_PARTITION}:
                all_failed[each] = failed and all_failed.get(each, True)
        for partition, is_doubtful in all_failed.items():
            if not is_doubtful:
                self._failures.pop(partition, None)
            elif (count := self._failures.get(partition, 0) + 1) < _MAX_FAILURES:
                self._failures[partition] = count
            else:
                self.is_spent = True


def check_properties(properties: Mapping[str, Any]) -> None:
    """Let librdkafka check *properties*, without connecting to a broker or asking for a token.

    :raises ValueError: if librdkafka does not take them.
    """
    offline = {name: value for name, value in properties.items() if name not in ("bootstrap.servers", "oauth_cb")}
    try:
        # It would warn of the brokers that are missing, and with "debug" write to stderr, whatever the level is. With a
        # logger it keeps all that for a poll that never comes.
        Producer({**offline, "log_level": 0, "logger": logger})
    except KafkaException as error:
        raise ValueError(f"librdkafka does not take this configuration: {error.args[0].str()}") from None


def _note(reports: dict[int, _Report], place: int, error: KafkaError | None, message: Any) -> None:
    reports[place] = error, message.partition()
