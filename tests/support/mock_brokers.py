"""The mock brokers of librdkafka, with faults on demand: they listen on loopback, and keep nothing on disk.

They are not Kafka. They do not check the sequence numbers of a producer that is idempotent and not transactional.
librdkafka relies on that check if a request fails while a later one succeeds, and would take both for stored. So a test
that injects errors allows one request at a time, with :data:`ONE_AT_A_TIME`.
"""

from __future__ import annotations

import ctypes
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zlib import crc32

import confluent_kafka

from tests.support.kafka_topics import consume
from tests.support.needs import give_up

ONE_AT_A_TIME = {"max_in_flight": 1}

_PRODUCE = ctypes.c_int16(0)  # the API whose requests get the injected errors

_PRODUCER = 0  # RD_KAFKA_PRODUCER


class MockBrokers:
    """A running cluster of mock brokers, numbered from 1."""

    def __init__(self, library: Any, cluster: int, count: int) -> None:
        self._library = library
        self._cluster = ctypes.c_void_p(cluster)
        self.numbers = range(1, count + 1)
        self.bootstrap_servers: str = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """Make a topic with replicas on all brokers; partition n is led by broker n + 1."""
        assert self._order("topic_create", name.encode(), partitions, len(self.numbers)) == 0
        for partition in range(min(partitions, len(self.numbers))):
            self._order("partition_set_leader", name.encode(), partition, partition + 1)

    def fail(self, *codes: int) -> None:
        """Answer the next requests to store something with these errors, one each."""
        errors = (ctypes.c_int * len(codes))(*codes)
        self._order("push_request_errors_array", _PRODUCE, ctypes.c_size_t(len(codes)), errors)

    def delay(self, broker: int, milliseconds: int) -> None:
        """Let a broker answer this much later from now on."""
        self._order("broker_set_rtt", broker, milliseconds)

    def take_down(self) -> None:
        """Let all brokers close their connections and refuse new ones."""
        for number in self.numbers:
            self._order("broker_set_down", number)

    def bring_up(self) -> None:
        """Let all brokers accept connections again."""
        for number in self.numbers:
            self._order("broker_set_up", number)

    def _order(self, name: str, *args: Any) -> Any:
        """Let the brokers' thread do something. It may sleep for a second unless a connection wakes it."""
        done = threading.Event()
        knocking = threading.Thread(target=self._knock, args=[done], daemon=True)
        knocking.start()
        try:
            return self._library[f"rd_kafka_mock_{name}"](self._cluster, *args)
        finally:
            done.set()
            knocking.join()

    def _knock(self, done: threading.Event) -> None:
        while not done.wait(0.002):
            for server in self.bootstrap_servers.split(","):
                host, port = server.split(":")
                with suppress(OSError):
                    socket.create_connection((host, int(port)), 1).close()

    def calm_down(self) -> None:
        """End all faults."""
        self._order("clear_request_errors", _PRODUCE)
        for number in self.numbers:
            self.delay(number, 0)
        self.bring_up()

    def messages(self, topic: str) -> list[dict[str, Any]]:
        """Return what a consumer in another process finds in a topic, by partition and in order."""
        return consume(self.bootstrap_servers, topic)

    def ids(self, topic: str) -> list[str]:
        """Return the messageIds in a topic; with one partition, in its order."""
        return [message["event"]["messageId"] for message in self.messages(topic)]


@contextmanager
def mock_brokers(count: int = 3) -> Iterator[MockBrokers]:
    """Run mock brokers in this process."""
    library = _library()
    handle = _new_handle(library, {"log_level": "0"})
    cluster = library.rd_kafka_mock_cluster_new(handle, count)
    assert cluster
    try:
        yield MockBrokers(library, cluster, count)
    finally:
        library.rd_kafka_mock_cluster_destroy(ctypes.c_void_p(cluster))
        library.rd_kafka_destroy(handle)


def partition_key(partition: int) -> str:
    """Return an id whose events go to this one of two partitions."""
    return next(str(number) for number in range(100) if crc32(str(number).encode()) % 2 == partition)


def property_names() -> list[str]:
    """Return the names of librdkafka's properties that have a default."""
    library = _library()
    count = ctypes.c_size_t()
    conf = ctypes.c_void_p(library.rd_kafka_conf_new())
    pairs = library.rd_kafka_conf_dump(conf, ctypes.byref(count))
    names = [pairs[place].decode() for place in range(0, count.value, 2)]
    library.rd_kafka_conf_dump_free(pairs, count)
    library.rd_kafka_conf_destroy(conf)
    return names


def _library() -> Any:
    """Return the same library that confluent-kafka has loaded; a wheel has it beside the package."""
    beside = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    found = sorted(beside.glob("librdkafka*.so*"))
    if not found:
        give_up("confluent-kafka was not installed from a wheel with librdkafka in it")
    library = ctypes.CDLL(str(found[0]))
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    library.rd_kafka_conf_dump.restype = ctypes.POINTER(ctypes.c_char_p)
    return library


def _new_handle(library: Any, properties: dict[str, str]) -> Any:
    conf = ctypes.c_void_p(library.rd_kafka_conf_new())
    for name, value in properties.items():
        assert library.rd_kafka_conf_set(conf, name.encode(), value.encode(), None, ctypes.c_size_t(0)) == 0
    reason = ctypes.create_string_buffer(512)
    handle = library.rd_kafka_new(_PRODUCER, conf, reason, ctypes.c_size_t(len(reason)))
    assert handle, reason.value
    return ctypes.c_void_p(handle)
