"""What librdkafka does for itself: its waits leave gevent's hub free, and its words neither flood a log nor a queue."""

from __future__ import annotations

import logging
from itertools import pairwise

import pytest
from confluent_kafka import Producer

from pixelmw.sinks import Unavailable
from pixelmw.sinks.kafka import Kafka, client
from pixelmw.sinks.kafka.library_log import LibraryLog
from tests.support.processes import event, run, wait_until

_UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys, time
import gevent
from pixelmw.sinks import Unavailable
from pixelmw.sinks.kafka import Kafka
from tests.support.processes import event

def store():
    try:
        sink(event("1"))
    except Unavailable as error:
        return "timed out" in str(error)

sink = Kafka("pixels", bootstrap_servers=sys.argv[1], message_timeout_ms=1000)
start = time.monotonic()
visitors = [gevent.spawn(store) for _ in range(5)]
longest, last = 0.0, start
while not all(visitor.dead for visitor in visitors):
    gevent.sleep(0.005)  # the host's other requests
    now = time.monotonic()
    longest, last = max(longest, now - last), now
print([visitor.value for visitor in visitors].count(True), now - start, longest)
"""


def test_waiting_for_a_broker_leaves_the_hub_of_gevent_free(free_port: int) -> None:
    told, seconds, longest = map(float, run(_UNDER_GEVENT, f"127.0.0.1:{free_port}"))
    assert told == 5
    assert seconds > 0.9
    assert longest < 0.5  # seconds, on a busy machine


def test_with_no_visitors_the_queue_of_librdkafkas_words_does_not_grow(
    monkeypatch: pytest.MonkeyPatch, free_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[Producer] = []

    def keep(properties: dict[str, object]) -> Producer:
        made.append(Producer(properties))
        return made[-1]

    monkeypatch.setattr(client, "Producer", keep)
    # Statistics go through the same queue, also in versions of librdkafka that say little while they are idle.
    options = {"message_timeout_ms": 100, "statistics_interval_ms": 50, "stats_cb": lambda statistics: None}
    with Kafka("pixels", bootstrap_servers=f"127.0.0.1:{free_port}", **options) as sink:
        made.clear()  # of the properties' check
        with pytest.raises(Unavailable):
            sink(event("1"))
        (producer,) = made
        lengths = []

        def has_shrunk() -> bool:
            lengths.append(len(producer))
            return any(later < earlier for earlier, later in pairwise(lengths))

        wait_until(has_shrunk)
        assert max(lengths) < 200
    assert len([record for record in caplog.records if "librdkafka" in record.getMessage()]) == 1


def test_nothing_is_written_past_the_loggers(capfd: pytest.CaptureFixture[str]) -> None:
    Kafka("pixels", bootstrap_servers="127.0.0.1:1", debug="all")
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def words() -> LibraryLog:
    return LibraryLog(logging.getLogger("words"))


def test_of_each_kind_one_line_a_minute_is_logged_in_printable_characters(
    words: LibraryLog, caplog: pytest.LogCaptureFixture
) -> None:
    for kind in ("FAIL", "FAIL", "ERROR"):
        line = "[thrd:b/1]: b/1: refused\nforged line" + " and so on" * 99
        words.log(logging.ERROR, "%s [%s] %s", kind, "rdkafka#producer-1", line)
    words.pass_on()
    lines = [record.getMessage() for record in caplog.records]
    assert [line.partition(" line")[0] for line in lines] == [
        f"librdkafka: {kind}: [thrd:b/1]: b/1: refused\\nforged" for kind in ("FAIL", "ERROR")
    ]
    assert max(map(len, lines)) < 600
    assert words.trouble is not None
    assert words.trouble.startswith("b/1: refused")


def test_what_somebody_asked_to_be_told_is_not_thinned_out(words: LibraryLog, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for number in range(3):
        words.log(logging.DEBUG, "%s [%s] %s", "BROKER", "rdkafka#producer-1", str(number))
    words.pass_on()
    assert len(caplog.records) == 3
    assert words.trouble is None


def test_librdkafkas_words_keep_their_order_and_are_logged_once(
    words: LibraryLog, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    words.log(logging.INFO, "%s [%s] %s", "ONE", "rdkafka#producer-1", "1")
    words.log(logging.WARNING, "%s [%s] %s", "TWO", "rdkafka#producer-1", "2")
    words.pass_on()
    words.pass_on()
    assert [record.getMessage() for record in caplog.records] == ["librdkafka: ONE: 1", "librdkafka: TWO: 2"]
