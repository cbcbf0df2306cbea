"""The examples that hand events on run: under gunicorn, with the destinations that they are about."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from pixelmw.sinks import SQLite
from pixelmw.sinks.kafka import Kafka
from tests.support.backends import postgres
from tests.support.http_server import KEY, Answer, data_plane
from tests.support.mock_brokers import MockBrokers, mock_brokers
from tests.support.processes import event, rows, wait_until
from tests.support.servers import running, send

EXAMPLES = Path(__file__).parents[1] / "examples"
TOPIC = "pixel-events"
NEVER = -1001  # an offset that was never committed


@contextmanager
def workers(example: str, directory: Path, **variables: str) -> Iterator[Callable[[str], int]]:
    """Run the application of an example under gunicorn, with its spool in *directory*; gives what sends it a pixel."""
    options = (f"--pythonpath={EXAMPLES}", "--workers=2")
    variables["SPOOL_DIR"] = str(directory / "spool")
    with running("gunicorn-gthread", f"{example}:application", directory, *options, **variables) as port:
        yield lambda query: send(port, "GET", f"/pixel/v1/page?{query}").status


@contextmanager
def started(example: str, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """Run an example as a file, with warnings as errors, and at most as long as this lasts."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", EXAMPLES / f"{example}.py", *arguments],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def page(message_id: str, *, key: str = "k", url: str = "https://a.example/") -> str:
    return f"writeKey={key}&anonymousId=a&messageId={message_id}&context.page.url={url}"


def committed(brokers: MockBrokers) -> int:
    """The offset up to which the consumers of the pipeline are done."""
    config = {"bootstrap.servers": brokers.bootstrap_servers, "group.id": "events-db", "log_level": 0}
    with closing(Consumer(config)) as consumer:
        (partition,) = consumer.committed([TopicPartition(TOPIC, 0)], timeout=20)
    return partition.offset


@pytest.mark.slow
def test_the_kafka_pipeline_keeps_each_event_once_however_often_it_comes(tmp_path: Path) -> None:
    database = tmp_path / "events.db"
    with SQLite(database) as left_behind:
        left_behind(event("one"))  # by a consumer that was killed before it committed the offset
    with mock_brokers(1) as brokers:
        brokers.create_topic(TOPIC)
        variables = {"KAFKA_BOOTSTRAP": brokers.bootstrap_servers, "EVENTS_DB": str(database)}
        with workers("kafka_pipeline", tmp_path, **variables) as pixel:
            assert [pixel(page(message_id)) for message_id in ("one", "two", "two", "three")] == [200] * 4
        assert sorted(brokers.ids(TOPIC)) == ["one", "three", "two", "two"]
        with started("kafka_pipeline", "consume", **variables) as consumer:
            wait_until(lambda: committed(brokers) == 4)
            assert sorted(rows(database)) == ["one", "three", "two"]
            consumer.terminate()
            assert consumer.communicate(timeout=20) == ("", "")
        assert consumer.returncode == 0


@pytest.mark.slow
def test_the_kafka_consumer_commits_no_offset_of_what_it_could_not_store(tmp_path: Path) -> None:
    database = tmp_path / "events.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE events (of_somebody_else)")
    with mock_brokers(1) as brokers, Kafka(TOPIC, bootstrap_servers=brokers.bootstrap_servers) as kafka:
        kafka(event("one"))
        variables = {"KAFKA_BOOTSTRAP": brokers.bootstrap_servers, "EVENTS_DB": str(database)}
        with started("kafka_pipeline", "consume", **variables) as consumer:
            _, errors = consumer.communicate(timeout=40)
        assert consumer.returncode == 1
        assert "the table events takes no events" in errors
        assert committed(brokers) == NEVER


@pytest.mark.slow
def test_the_kafka_consumer_passes_over_what_is_not_pixelmws(tmp_path: Path) -> None:
    database = tmp_path / "events.db"
    with mock_brokers(1) as brokers:
        brokers.create_topic(TOPIC)
        producer = Producer({"bootstrap.servers": brokers.bootstrap_servers})
        for value in (b"not JSON", b"[1]", b'{"messageId": "one"}', None, b"\xff"):
            producer.produce(TOPIC, value)
        assert producer.flush(20) == 0
        variables = {"KAFKA_BOOTSTRAP": brokers.bootstrap_servers, "EVENTS_DB": str(database)}
        with started("kafka_pipeline", "consume", **variables) as consumer:
            wait_until(lambda: committed(brokers) == 5)
            consumer.terminate()
            _, errors = consumer.communicate(timeout=20)
    assert rows(database) == ["one"]
    assert "not pixelmw's: 4 events of the batch were not stored" in errors


def test_the_rudderstack_example_posts_again_what_may_not_have_arrived(tmp_path: Path) -> None:
    with data_plane() as plane:
        # It takes the first batch, and is gone before it can say so.
        plane.script += [Answer(manner="reset"), Answer(), Answer(400)]
        with workers("rudderstack_forward", tmp_path, DATA_PLANE_URL=plane.url, WRITE_KEY=KEY) as pixel:
            assert pixel(page("one", key=KEY)) == 200
            assert pixel(page("one", key="another")) == 401
            wait_until(lambda: len(plane.requests) == 2)
            first, second = (request.payload["batch"] for request in plane.requests)
            assert first == second  # with one messageId, by which a data plane keeps one of the two
            assert plane.ids() == ["one"]
            assert pixel(page("refused", key=KEY)) == 200
            wait_until(lambda: list((tmp_path / "spool" / "dead").glob("*.segment")))
        assert plane.ids() == ["one"]
        drain = ("-m", "pixelmw", "drain", "--dead", "--sink=rudderstack_forward:application", tmp_path / "spool")
        environ = {**os.environ, "DATA_PLANE_URL": plane.url, "WRITE_KEY": KEY}
        subprocess.run([sys.executable, *drain], cwd=EXAMPLES, env=environ, check=True, timeout=40)
        assert plane.ids() == ["one", "refused"]


@pytest.mark.slow
def test_the_postgres_example_outlives_an_outage_and_tells_which_pages_were_viewed(tmp_path: Path) -> None:
    with postgres() as server, workers("postgres", tmp_path, DATABASE_URL=server.url) as pixel:
        with server.down():
            assert pixel(page("one")) == 200
            assert pixel(page("one")) == 200
        assert pixel(page("two")) == 200
        assert pixel(page("three", url="https://a.example/%C3%BCber")) == 200
        wait_until(lambda: not list((tmp_path / "spool").glob("*.segment")))
        with closing(psycopg.connect(server.url.replace("+psycopg", ""))) as connection:
            stored = connection.execute("SELECT message_id FROM pixel_events ORDER BY 1").fetchall()
        assert stored == [("one",), ("three",), ("two",)]
        with started("postgres", DATABASE_URL=server.url, SPOOL_DIR=str(tmp_path / "spool")) as report:
            output, errors = report.communicate(timeout=40)
    assert errors == ""
    assert output.splitlines() == [
        "     2 views by      1 visitors of https://a.example/",
        "     1 views by      1 visitors of https://a.example/über",
    ]
