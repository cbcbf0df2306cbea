"""The servers that ``benchmarks/store.py`` stores in: real ones, on loopback, each in a process of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What starts databases for the tests starts them here. The tests are not installed, so this is where they are found.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from tests.support import backends, kafka_cluster, process_tree

__all__ = ["backends", "process_tree"]

HTTP_DELAY = 0.015  # seconds, which a RudderStack gateway takes for a batch
PARTITIONS = 4  # of the topic
TOPICS = ("ours", "before", "raw", "user")


@contextmanager
def postgresql() -> Iterator[str]:
    """PostgreSQL whose commits are on the disk when they return; the address is SQLAlchemy's."""
    with backends.postgres(durable=True) as server:
        yield server.url


@contextmanager
def mariadb() -> Iterator[str]:
    """MariaDB, whose commits are on the disk by default; the address is SQLAlchemy's."""
    with backends.mariadb() as server:
        yield server.url


@contextmanager
def redis() -> Iterator[str]:
    """Redis with ``appendfsync always``."""
    with backends.redis_server() as server:
        yield server.url


@contextmanager
def http() -> Iterator[str]:
    """An HTTP server that answers each request after 15 ms, however many events it holds."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        if not (address := process.stdout.readline().strip()):
            sys.exit("the HTTP server did not start")
        try:
            yield address
        finally:
            process.terminate()


@contextmanager
def kafka() -> Iterator[str]:
    """Three nodes of Apache Kafka, on this machine; two of them have to have a message."""
    with kafka_cluster.kafka_cluster() as cluster:
        for topic in TOPICS:
            cluster.create_topic(topic, PARTITIONS)
        yield cluster.bootstrap_servers


def _serve_http() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split(None, 1)[0]))
                await asyncio.sleep(HTTP_DELAY)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=2**20)
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    _serve_http()
