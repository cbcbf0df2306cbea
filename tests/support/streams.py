"""The Redis server that the tests of the stream sink use, and what is stored there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from redis import Redis

from tests.support.backends import Backend, redis_server


@pytest.fixture(scope="module")
def server() -> Iterator[Backend]:
    with redis_server() as backend:
        yield backend


@pytest.fixture
def client(server: Backend) -> Iterator[Redis]:
    """A connection of the test itself, to a server that is empty."""
    with Redis.from_url(server.url, decode_responses=True) as connection:
        connection.flushall()
        yield connection


def entries(client: Redis, stream: str = "events") -> list[dict[str, str]]:
    """Return the fields of each entry of a stream, in its order."""
    return [fields for _, fields in cast("list[tuple[str, dict[str, str]]]", client.xrange(stream))]


def sessions_named(client: Redis, name: str) -> set[str]:
    """Return the server's numbers for the connections of clients with this name."""
    return {each["id"] for each in client.client_list() if each["name"] == name}


def ids(client: Redis, stream: str = "events") -> list[str]:
    """Return the messageIds in a stream, in its order."""
    return [fields["messageId"] for fields in entries(client, stream)]
