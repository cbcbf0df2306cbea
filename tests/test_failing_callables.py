"""Whatever a callable of the user's raises or returns, the request is answered and counted, or the error passes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gevent
import pytest
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from pixelmw import Collector, Discard, Event
from pixelmw.errors import STATUS_OF_CODE
from pixelmw.replies import GIF
from tests.support import shells
from tests.support.lazy import FOUND_AT_THE_CALL
from tests.support.pixel import Pixel, host_app
from tests.support.threads import on_a_thread

shell = shells.shell

GOOD, BAD = "writeKey=k&anonymousId=a&event=e", "writeKey=k&anonymousId=a"


class Reply:
    """A reply whose methods are given."""

    def __init__(self, accepted: Any = None, refused: Any = None) -> None:
        self.accepted = accepted or (lambda environ: Response("stored"))
        self.refused = refused or (lambda environ, refusal: Response("refused"))


def late(environ: dict[str, Any], call: Callable[[], object]) -> Any:
    """An application that answers 200, and calls *call* for a second part of its body."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"the first part"
        call()

    return app


# Where a call can fail: the options that put it there, the query, and how the request ends if it does.
PLACES: dict[str, tuple[Callable[[Any], dict[str, Any]], str, str]] = {
    "sink": (lambda call: {"sink": lambda event: call()}, GOOD, "unavailable"),
    "enricher": (lambda call: {"enrich": [lambda event, request: call()]}, GOOD, "unavailable"),
    "write_keys": (lambda call: {"write_keys": lambda key: call()}, GOOD, "unavailable"),
    "on_reject": (lambda call: {"on_reject": lambda refusal: call()}, BAD, "invalid"),
    "accepted": (lambda call: {"reply": Reply(accepted=lambda environ: call())}, GOOD, "accepted"),
    "refused": (lambda call: {"reply": Reply(refused=lambda environ, refusal: call())}, BAD, "invalid"),
    "the application of a reply": (
        lambda call: {"reply": Reply(accepted=lambda environ: lambda environ, start_response: call())},
        GOOD,
        "accepted",
    ),
    "the body of a reply": (
        lambda call: {"reply": Reply(accepted=lambda environ: late(environ, call))},
        GOOD,
        "accepted",
    ),
}
EXCEPTIONS = [
    RuntimeError("full"),
    OSError(28, "full"),
    RecursionError(),
    MemoryError(),
    ExceptionGroup("x", [OSError()]),
]
ANSWERED_OFF_THE_MAIN_THREAD = [SystemExit(3), asyncio.CancelledError()]
PASSES_ON = [
    KeyboardInterrupt(),
    gevent.GreenletExit(),
    gevent.Timeout(1),
    BaseExceptionGroup("x", [KeyboardInterrupt()]),
]


def raising(error: BaseException) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call


def assert_answered(pixel: Pixel, response: TestResponse, outcome: str) -> None:
    """The answer is that of "gif" for *outcome*, it is counted once, and the next request is answered, too."""
    assert response.status_code == STATUS_OF_CODE.get(outcome, 200)
    assert response.data == GIF
    assert response.headers.get("X-Pixel-Error") == (None if outcome == "accepted" else outcome)
    assert pixel.middleware.collector.stats() == {outcome: 1}


def named(error: BaseException) -> str:
    """*error* for the name of a test. Every process has to give it the same one, so it holds no address."""
    return f"{type(error).__name__}({error})"


@pytest.mark.parametrize("error", EXCEPTIONS, ids=named)
@pytest.mark.parametrize("place", PLACES)
def test_every_exception_is_answered_and_counted(
    shell: type[Pixel], place: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    options, query, outcome = PLACES[place]
    pixel = shell(**options(raising(error)))
    assert_answered(pixel, pixel.get("/pixel/v1/track", query), outcome)
    assert type(error).__name__ in caplog.text
    assert "Traceback" in caplog.text
    assert {record.name for record in caplog.records} == {"pixelmw.requests"}


@pytest.mark.parametrize("error", ANSWERED_OFF_THE_MAIN_THREAD, ids=named)
@pytest.mark.parametrize("place", PLACES)
def test_what_would_end_a_thread_of_the_server_is_answered_there(
    place: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    options, query, outcome = PLACES[place]
    pixel = Pixel(**options(raising(error)))
    assert_answered(pixel, on_a_thread(lambda: pixel.get("/pixel/v1/track", query)), outcome)
    assert type(error).__name__ in caplog.text


@pytest.mark.parametrize("thread", [False, True], ids=["main thread", "another thread"])
@pytest.mark.parametrize("error", [*PASSES_ON, *ANSWERED_OFF_THE_MAIN_THREAD], ids=named)
@pytest.mark.parametrize("place", PLACES)
def test_what_belongs_to_whoever_sent_it_passes_on_and_is_counted(
    place: str, error: BaseException, thread: bool, caplog: pytest.LogCaptureFixture
) -> None:
    if thread and error in ANSWERED_OFF_THE_MAIN_THREAD:
        return
    options, query, outcome = PLACES[place]
    fails = [True]
    pixel = Pixel(**options(lambda: raising(error)() if fails else None))
    started: list[str] = []

    def visit() -> object:
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/pixel/v1/track", "QUERY_STRING": query}
        return pixel.middleware(environ, lambda status, *rest: started.append(status))

    with pytest.raises(type(error)) as caught:
        on_a_thread(visit) if thread else visit()
    assert caught.value is error
    assert not started, "no answer was begun"
    assert pixel.middleware.collector.stats() == {outcome: 1}
    assert not caplog.records
    fails.clear()
    assert visit()  # nothing was left locked
    assert sum(pixel.middleware.collector.stats().values()) == 2


@pytest.mark.parametrize("kind", FOUND_AT_THE_CALL)
@pytest.mark.parametrize("place", ["sink", "enricher", "write_keys", "on_reject", "accepted", "refused"])
def test_a_call_that_ran_nothing_is_found_at_the_first_request(
    shell: type[Pixel], place: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A coroutine that nobody awaits would be a RuntimeWarning, which fails a test."""
    options, query, outcome = PLACES[place]
    pixel = shell(**options(FOUND_AT_THE_CALL[kind]))
    assert_answered(pixel, pixel.get("/pixel/v1/track", query), outcome)
    assert "TypeError" in caplog.text
    assert "ran nothing" in caplog.text
    for _ in range(3):
        pixel.get("/pixel/v1/track", query)
    assert caplog.text.count("Traceback") == 1


def test_a_sink_that_returns_something_has_stored_its_event(pixel: Pixel) -> None:
    for result in (0, False, "", "done", object(), [1], iter([1]), range(3), pytest, type):
        assert Pixel(sink=lambda event, result=result: result).get("/pixel/v1/track", GOOD).status_code == 200


# --- and the collector alone ---


@pytest.mark.parametrize("error", [*EXCEPTIONS, *PASSES_ON, *ANSWERED_OFF_THE_MAIN_THREAD], ids=named)
def test_the_collector_raises_what_the_sink_raised_and_counts_it(error: BaseException) -> None:
    collector = Collector(lambda event: raising(error)())
    with pytest.raises(type(error)) as caught:
        collector.collect("track", {"QUERY_STRING": GOOD})
    assert caught.value is error
    assert collector.stats() == {"unavailable": 1}


def test_a_discard_that_is_one_instance_does_not_grow() -> None:
    one = Discard()

    def discard(event: Event, request: object) -> None:
        raise one

    pixel = Pixel(enrich=[discard])
    for _ in range(3):
        assert pixel.get("/pixel/v1/track", GOOD).status_code == 200
    assert one.__traceback__ is None


def test_the_application_never_sees_a_fault_of_a_callable() -> None:
    called: list[str] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        called.append(environ["PATH_INFO"])
        return host_app(environ, start_response)

    for options, query, _ in PLACES.values():
        Pixel(app=app, **options(raising(OSError("full")))).get("/pixel/v1/track", query)
    assert not called
