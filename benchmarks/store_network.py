"""What ``benchmarks/store.py`` compares where a server stores: databases, Redis, an HTTP server and Kafka.

As in ``store_local.py``; a contender gets the address of the server, and the
name of the table, the stream or the topic.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import confluent_kafka
import psycopg
import pymysql
import redis
import sqlalchemy
import urllib3
from gathering import Gathered
from sqlalchemy.dialects.postgresql import JSONB
from store_local import COLUMNS, Accept, Contender, Event, encode, make_table, ours, row, users_table

from pixelmw.sinks.http import HTTP
from pixelmw.sinks.kafka import Kafka
from pixelmw.sinks.redis import RedisStream
from pixelmw.sinks.sql import SQL

_CONNECTIONS = 16  # in a user's pool: as many as threads
_BODY = sqlalchemy.JSON().with_variant(JSONB(), "postgresql")
_KEY = "2kQ9vXr7LmNpT4wZ"
_HEADERS = {"Authorization": f"Basic {b64encode(f'{_KEY}:'.encode()).decode()}", "Content-Type": "application/json"}


@contextmanager
def users_sql(url: str, name: str) -> Iterator[Accept]:
    """A view that inserts and commits by SQLAlchemy."""
    engine = sqlalchemy.create_engine(url, pool_size=_CONNECTIONS)
    with users_table(engine, name, _BODY) as store:
        yield store


@contextmanager
def raw_sql(url: str, name: str) -> Iterator[Accept]:
    """One statement for all who wait, on one connection of the database's own driver."""
    engine = sqlalchemy.create_engine(url)
    make_table(engine, name, _BODY)
    engine.dispose()
    parsed = engine.url
    connect = {"host": parsed.host, "port": parsed.port, "user": parsed.username, "password": parsed.password}
    connection: Any
    if parsed.get_backend_name() == "postgresql":
        connection = psycopg.connect(**connect, dbname=parsed.database, autocommit=True)
        begin, end = f"INSERT INTO {name} VALUES ", " ON CONFLICT DO NOTHING"
    else:
        connection = pymysql.connect(**connect, database=parsed.database, autocommit=True)
        begin, end = f"INSERT IGNORE INTO {name} VALUES ", ""
    cursor = connection.cursor()
    group = f"({', '.join(['%s'] * len(COLUMNS))})"

    def store(rows: list[tuple[Any, ...]]) -> None:
        cursor.execute(begin + ",".join([group] * len(rows)) + end, [value for each in rows for value in each])

    gathered = Gathered(store)
    yield lambda event: gathered(row(event))
    connection.close()


@contextmanager
def users_redis(url: str, name: str) -> Iterator[Accept]:
    """One XADD for each event."""
    with redis.Redis.from_url(url) as client:
        yield lambda event: client.xadd(name, {"messageId": event["messageId"], "event": json.dumps(event)})


@contextmanager
def raw_redis(url: str, name: str) -> Iterator[Accept]:
    """One transaction for all who wait."""
    with redis.Redis.from_url(url) as client:

        def store(entries: list[dict[Any, Any]]) -> None:
            with client.pipeline() as pipeline:
                for entry in entries:
                    pipeline.xadd(name, entry)
                pipeline.execute()

        gathered = Gathered(store)
        yield lambda event: gathered({"messageId": event["messageId"], "event": encode(event)})


@contextmanager
def users_http(url: str, name: str) -> Iterator[Accept]:
    """One POST for each event, on connections that are kept."""
    with urllib3.PoolManager(maxsize=_CONNECTIONS) as pool:

        def store(event: Event) -> None:
            body = json.dumps({"batch": [event], "sentAt": event["receivedAt"]})
            answer = pool.request("POST", f"{url}/v1/batch", body=body, headers=_HEADERS, retries=False)
            if answer.status != 200:
                raise OSError(answer.status)

        yield store


@contextmanager
def raw_http(url: str, name: str) -> Iterator[Accept]:
    """One POST for all who wait."""
    connection = HTTPConnection(urlsplit(url).netloc)

    def store(events: list[str]) -> None:
        connection.request("POST", "/v1/batch", f'{{"batch":[{",".join(events)}]}}', _HEADERS)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise OSError(answer.status)

    gathered = Gathered(store)
    yield lambda event: gathered(encode(event))
    connection.close()


def _producer(servers: str) -> confluent_kafka.Producer:
    return confluent_kafka.Producer({"bootstrap.servers": servers, "acks": "all", "enable.idempotence": True})


def _report(error: object, message: object) -> None:
    if error is not None:
        raise OSError(str(error))


@contextmanager
def users_kafka(servers: str, name: str) -> Iterator[Accept]:
    """``produce`` and ``flush`` for each event."""
    producer = _producer(servers)

    def store(event: Event) -> None:
        producer.produce(name, json.dumps(event), event["anonymousId"], on_delivery=_report)
        producer.flush()

    yield store


@contextmanager
def raw_kafka(servers: str, name: str) -> Iterator[Accept]:
    """``produce`` for all who wait, and one ``flush``."""
    producer = _producer(servers)

    def store(messages: list[tuple[str, str]]) -> None:
        for key, value in messages:
            producer.produce(name, value, key, on_delivery=_report)
        producer.flush()

    gathered = Gathered(store)
    yield lambda event: gathered((event["anonymousId"], encode(event)))


_sql: dict[str, Contender] = {"ours": ours(SQL), "raw": raw_sql, "user": users_sql}
#: Destination -> contender -> how it stores.
NETWORK: dict[str, dict[str, Contender]] = {
    "PostgreSQL": _sql,
    "MariaDB": _sql,
    "Redis": {"ours": ours(RedisStream), "raw": raw_redis, "user": users_redis},
    "HTTP": {"ours": ours(lambda url, name: HTTP(url, _KEY)), "raw": raw_http, "user": users_http},
    "Kafka": {
        "ours": ours(lambda servers, name: Kafka(name, bootstrap_servers=servers)),
        "raw": raw_kafka,
        "user": users_kafka,
    },
}
