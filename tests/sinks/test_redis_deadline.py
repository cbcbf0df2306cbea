"""The Redis sink and a server of which each wait is short enough: all waits of a call together have the sink's time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from pixelmw.sinks.base import Unavailable
from pixelmw.sinks.redis import RedisStream
from tests.support import streams
from tests.support.backends import PASSWORD, Backend
from tests.support.certificates import make_certificate
from tests.support.processes import event, run
from tests.support.slow_proxy import SlowProxy, Split, into_bytes, into_lines
from tests.support.streams import ids

server, client = streams.server, streams.client

_TIMEOUT = 1.0  # seconds
_PAUSE = 0.6  # within the time for an answer
_BOUND = 6.0  # seconds; a server that is this slow would take twelve or more
_BATCH = [event(str(number)) for number in range(20)]

each_scheme = pytest.mark.parametrize("scheme", ["redis", "rediss", "unix"])


@contextmanager
def slow(server: Backend, scheme: str = "redis") -> Iterator[tuple[SlowProxy, RedisStream]]:
    """A proxy that is not slow yet, and a sink behind it."""
    proxy = SlowProxy(server.port, _PAUSE)
    with tempfile.TemporaryDirectory() as name:  # its path is short, for sockets
        path = Path(name) / "socket" if scheme == "unix" else None
        certificate = make_certificate(Path(name)) if scheme == "rediss" else None
        with proxy.running(path=path, certificate=certificate) as port:
            url = f"unix://:{PASSWORD}@{path}" if path else f"{scheme}://:{PASSWORD}@127.0.0.1:{port}/0"
            options = "?ssl_cert_reqs=none" if certificate else ""
            with RedisStream(url + options, "events", timeout=_TIMEOUT) as sink:
                yield proxy, sink


@contextmanager
def in_time() -> Iterator[None]:
    """The block fails as it does where the server is down, within the time of the sink."""
    start = time.monotonic()
    with pytest.raises(Unavailable, match=r"[Tt]imeout"):
        yield
    assert time.monotonic() - start < _BOUND


@each_scheme
@pytest.mark.parametrize(("count", "split"), [(1, into_bytes), (20, into_bytes), (20, into_lines)])
def test_slow_answers_take_the_time_of_the_sink_and_their_connection_is_not_used_again(
    server: Backend, client: Redis, scheme: str, count: int, split: Split
) -> None:
    with slow(server, scheme) as (proxy, sink):
        sink(event("before"))
        proxy.split = split
        with in_time():
            sink.write(_BATCH[:count])
        proxy.split = None
        sink(event("after"))
        assert proxy.connections == 2
    assert {ids(client)[0], ids(client)[-1]} == {"before", "after"}


@each_scheme
def test_a_login_whose_answers_are_slow_takes_the_time_of_the_sink(server: Backend, client: Redis, scheme: str) -> None:
    with slow(server, scheme) as (proxy, sink):
        proxy.split = into_bytes
        with in_time():
            sink(event("1"))
        proxy.split = None
        sink(event("2"))
    assert ids(client) == ["2"]


@each_scheme
def test_a_server_that_reads_slowly_takes_the_time_of_the_sink(server: Backend, client: Redis, scheme: str) -> None:
    large = [event(str(number), 50_000) for number in range(40)]  # more than the system's buffers take
    with slow(server, scheme) as (proxy, sink):
        sink(event("before"))
        proxy.reads_slowly = True
        with in_time():
            sink.write(large)
    assert ids(client) == ["before"]


def test_a_time_in_the_url_holds_for_each_answer(server: Backend, client: Redis) -> None:
    proxy = SlowProxy(server.port, _PAUSE)
    with proxy.running() as port:
        url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0?socket_timeout=0.1"
        with RedisStream(url, "events", timeout=20) as sink:
            sink(event("1"))
            proxy.split = into_lines
            with in_time():
                sink(event("2"))


_GEVENT = """
import signal, sys, time
from pixelmw.sinks.base import Unavailable
from pixelmw.sinks.redis import RedisStream
from tests.support.processes import event

signal.alarm(40)
sink = RedisStream(sys.argv[1], "events", timeout=float(sys.argv[2]))  # as a preloading server does
from gevent import monkey
monkey.patch_all()
import gevent

def store():
    try:
        sink(event("1"))
    except Unavailable:
        return True

start, ticks, job = time.monotonic(), 0, gevent.spawn(store)
while not job.ready():
    gevent.sleep(0.002)
    ticks += 1
for right in job.value, ticks > 10, time.monotonic() - start < float(sys.argv[3]):
    print(right)
"""


def test_a_slow_server_takes_the_time_of_the_sink_and_stops_no_greenlet(server: Backend, client: Redis) -> None:
    proxy = SlowProxy(server.port, _PAUSE)
    proxy.split = into_bytes
    with proxy.running() as port:
        url = server.url.replace(f":{server.port}/", f":{port}/")
        assert run(_GEVENT, url, _TIMEOUT, _BOUND) == ["True", "True", "True"]
