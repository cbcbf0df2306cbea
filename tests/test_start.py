"""The first request of any path in a process starts the sink, once, and the host notices nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from pixelmw import Collector, Event, PixelMiddleware
from pixelmw.delivery import Background
from pixelmw.live import LiveView
from pixelmw.sinks import BatchSink, fallback, fan_out
from tests.support.processes import run

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

PIXEL = "/pixel/v1/track?writeKey=k&anonymousId=a&event=e"


def host(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the host"]


class Startable:
    """A sink that counts how often it was started; the first time it raises *error*, if there is one."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.started = 0
        self.events: list[Event] = []
        self.error = error

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def start(self) -> None:
        self.started += 1
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("POST", "/form"), ("GET", PIXEL), ("GET", "/pixel/v1/track"), ("HEAD", PIXEL), ("OPTIONS", PIXEL)],
)
def test_the_first_request_starts_the_sink_whatever_it_is_and_later_ones_do_not(method: str, path: str) -> None:
    sink = Startable()
    client = Client(PixelMiddleware(host, sink))
    assert sink.started == 0
    client.open(path, method=method)
    assert sink.started == 1
    for again in ("/", PIXEL):
        assert client.get(again).status_code == 200
    assert sink.started == 1
    assert sink.events


def test_a_sink_is_started_once_however_many_threads_come_at_first() -> None:
    together = threading.Barrier(8)
    for _ in range(20):
        sink = Startable()
        client = Client(PixelMiddleware(host, sink))

        def get(client: Client = client) -> None:
            together.wait(20)
            client.get("/")

        threads = [threading.Thread(target=get) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sink.started == 1


def test_who_comes_while_the_sink_starts_does_not_wait_for_that() -> None:
    class Slow(Startable):
        def start(self) -> None:
            entered.set()
            assert gate.wait(20)

    entered, gate = threading.Event(), threading.Event()
    client = Client(PixelMiddleware(host, Slow()))
    first = threading.Thread(target=client.get, args=["/"])
    first.start()
    try:
        assert entered.wait(20)
        assert client.get("/").data == b"the host"
        assert client.get(PIXEL).status_code == 200
    finally:
        gate.set()
        first.join(20)


@pytest.mark.parametrize("error", [OSError("no such volume"), ZeroDivisionError()], ids=["OSError", "a fault"])
def test_a_sink_that_cannot_be_started_is_logged_and_the_host_notices_nothing(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Startable(error)
    client = Client(PixelMiddleware(host, sink))
    for _ in range(3):
        assert client.get("/").data == b"the host"
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("pixelmw.requests", logging.ERROR)
    assert record.getMessage() == f"{sink!r} could not be started; its first event will try again"
    assert client.get(PIXEL).status_code == 200


def test_what_is_to_end_the_process_does_and_the_sink_is_not_started_again() -> None:
    sink = Startable(KeyboardInterrupt())
    client = Client(PixelMiddleware(host, sink))
    with pytest.raises(KeyboardInterrupt):
        client.get("/")
    assert client.get("/").data == b"the host"
    assert sink.started == 1


def test_a_server_may_start_it_by_itself_and_a_middleware_around_a_collector_starts_it_too() -> None:
    sink = Startable()
    middleware = PixelMiddleware.around(host, Collector(sink))
    assert not middleware.is_started
    middleware.start()
    middleware.start()
    assert middleware.is_started
    Client(middleware).get("/")
    assert sink.started == 1


@pytest.mark.parametrize("at_first", [True, False], ids=["before the first request", "after it"])
def test_a_live_view_that_is_shown_is_there_and_the_sink_is_started_once(at_first: bool) -> None:
    sink = Startable()
    middleware = PixelMiddleware(host, sink)
    client = Client(middleware)
    if not at_first:
        client.get("/")
    middleware.show_in(LiveView())
    assert sink.started == (not at_first)
    assert client.get("/_pixelmw").data != b"the host"
    middleware.show_in(None)
    assert client.get("/_pixelmw").data == b"the host"
    assert sink.started == 1


def test_an_async_start_is_refused_where_nobody_could_await_it() -> None:
    class Async(Startable):
        async def start(self) -> None:  # type: ignore[override]
            pass

    with pytest.raises(TypeError, match=r"the method start of sink is .*, an async def"):
        PixelMiddleware(host, Async())
    with pytest.raises(TypeError, match=r"the method start of sink is .*, an async def"):
        Background(Async())


class Failing(Startable):
    """A sink that cannot be started."""

    def start(self) -> None:
        super().start()
        raise OSError("no")


def test_wrappers_and_groups_start_what_is_behind_them() -> None:
    first, second, third, plain = Startable(), Startable(), Startable(), list[Event]()
    sink = fan_out(plain.append, fallback(first, Background(second)), third)
    PixelMiddleware(host, sink).start()
    assert [each.started for each in (first, second, third)] == [1, 1, 1]


def test_of_a_group_those_are_started_that_can_be(caplog: pytest.LogCaptureFixture) -> None:
    failing, well = Failing(), Startable()
    group = fan_out(failing, well)
    with pytest.raises(ExceptionGroup, match="1 of 2 sinks were not started"):
        group.start()
    assert (failing.started, well.started) == (1, 1)


def test_a_batch_sink_without_a_start_of_its_own_has_one_that_does_nothing() -> None:
    class Sink(BatchSink):
        def write(self, events: Any) -> None:
            raise AssertionError("nothing was given to it")

    Sink().start()
    Client(PixelMiddleware(host, Sink())).get("/")


_FORKS = """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from werkzeug.test import Client
from pixelmw import PixelMiddleware

class Sink:
    def __call__(self, event): pass
    def start(self): os.write(1, f"started-{os.getpid() == parent} ".encode())

def host(environ, start_response):
    start_response("200 OK", [])
    return [b"host"]

parent = os.getpid()
client = Client(PixelMiddleware(host, Sink()))
client.get("/")
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        client.get("/")
        client.get("/")
        os._exit(0)
    os.waitpid(pid, 0)
client.get("/")
"""


def test_each_child_starts_it_once_also_where_its_parent_has() -> None:
    assert run(_FORKS) == ["started-True", "started-False", "started-False"]
