"""The sink contract, held by the HTTP sink on a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from pixelmw import Event
from pixelmw.sinks.http import HTTP
from pixelmw.testing import SinkContract
from tests.support import http_server
from tests.support.http_server import Answer, DataPlane

server, http_sink = http_server.server, http_server.sink


class TestHTTP(SinkContract):
    survives_fork = True
    refuses = {"properties": {"text": "x" * 40_000}}  # noqa: RUF012 - nobody changes it

    @pytest.fixture
    def sink(self, http_sink: HTTP, server: DataPlane) -> Iterator[HTTP]:
        yield http_sink
        # A thread that is ended within a call leaves half of a request behind.
        server.faults[:] = [fault for fault in server.faults if not isinstance(fault, ValueError)]

    @pytest.fixture
    def read_back(self, server: DataPlane) -> Callable[[], list[Event]]:
        return lambda: server.stored

    @pytest.fixture
    def break_it(self, server: DataPlane) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def takes_nothing() -> Iterator[None]:
            # It is overloaded, does not know the key, is somewhere else, or takes nothing from this client.
            server.script += [Answer(503), Answer(401), Answer(404), Answer(403)] * 25
            yield
            server.script.clear()

        return takes_nothing
