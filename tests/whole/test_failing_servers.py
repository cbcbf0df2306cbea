"""Whatever a callable raises, real servers answer: no client hangs, no worker is replaced, and all is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.support.servers import exchange, running, send
from tests.support.servers import request as raw_request

# The visitors of these are served by threads, or by greenlets, which are not the main thread.
SERVERS = ("gunicorn-gthread", "gunicorn-gevent", "waitress", "werkzeug")
GOOD = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e"
BAD = "/pixel/v1/track?writeKey=k&anonymousId=a"
pytestmark = pytest.mark.slow


class Running(NamedTuple):
    name: str
    port: int

    def counts(self) -> dict[str, int]:
        counted: dict[str, int] = eval(send(self.port, "GET", "/").body)
        return counted


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp(request.param)
    with running(request.param, "tests.support.failing_app:pixels", directory) as port:
        yield Running(request.param, port)


@pytest.mark.parametrize("error", ["ValueError", "SystemExit", "CancelledError"])
@pytest.mark.parametrize(
    ("query", "status", "outcome"),
    [
        (f"{GOOD}&properties.sink=", 503, "unavailable"),
        (f"{GOOD}&properties.enrich=", 503, "unavailable"),
        (f"{BAD}&properties.on_reject=", 400, "invalid"),
        (f"{GOOD}&reply=", 200, "accepted"),
    ],
)
def test_what_would_end_a_thread_is_answered(
    server: Running, query: str, status: int, outcome: str, error: str
) -> None:
    before = server.counts()
    for _ in range(6):  # more than there are threads: none was lost
        answer = send(server.port, "GET", f"{query}{error}")
        assert answer.status == status
    after = server.counts()
    assert after[outcome] - before.get(outcome, 0) == 6, "and the worker is still the same"
    assert send(server.port, "GET", GOOD).body == b"OK"


@pytest.mark.parametrize("server", ["gunicorn-gevent"], indirect=True)
@pytest.mark.parametrize("error", ["GreenletExit", "Timeout"])
@pytest.mark.parametrize("place", ["sink", "enrich"])
def test_what_is_sent_to_a_greenlet_ends_it_and_nothing_else(server: Running, place: str, error: str) -> None:
    """What gunicorn makes of it is its own affair; the others are served, and the request is counted."""
    before = server.counts()
    for _ in range(6):
        raw = exchange(server.port, raw_request("GET", f"{GOOD}&properties.{place}={error}"))
        assert b" 200 " not in raw.partition(b"\r\n")[0]
    assert server.counts()["unavailable"] - before.get("unavailable", 0) == 6
    assert send(server.port, "GET", GOOD).body == b"OK"
