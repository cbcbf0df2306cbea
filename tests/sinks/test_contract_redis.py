"""The sink contract, held by the Redis sink on a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from redis import Redis

from pixelmw import Event
from pixelmw.sinks.redis import RedisStream
from pixelmw.testing import SinkContract
from tests.support import streams
from tests.support.backends import Backend
from tests.support.streams import entries

server, client = streams.server, streams.client


class TestRedisStream(SinkContract):
    survives_fork = True

    @pytest.fixture
    def sink(self, server: Backend, client: Redis) -> Iterator[RedisStream]:
        with RedisStream(server.url, "events") as sink:
            yield sink

    @pytest.fixture
    def read_back(self, client: Redis) -> Callable[[], list[Event]]:
        return lambda: [json.loads(entry["event"]) for entry in entries(client)]

    @pytest.fixture
    def break_it(self, server: Backend) -> Callable[[], AbstractContextManager[object]]:
        return server.down

    @pytest.fixture
    def hang_it(self, server: Backend) -> Callable[[], AbstractContextManager[object]]:
        return server.hanging
