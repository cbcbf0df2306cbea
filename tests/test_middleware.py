"""The middleware and the collector: paths, pass-through, refusals, failures."""

from __future__ import annotations

import logging
import threading
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from werkzeug.wrappers import Request

import pixelmw
from pixelmw import PATHS, Collector, Discard, Event, Limits, PixelMiddleware, Rejected
from pixelmw.request_log import log_rejected
from tests.support.pixel import Pixel, host_app, no_matter

GOOD = "writeKey=k&anonymousId=a&event=e"


def environ_for(path: str = "/pixel/v1/track", query: str = GOOD, method: str = "GET") -> WSGIEnvironment:
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "REMOTE_ADDR": "127.0.0.1"}


def test_the_package_exports_the_names_of_the_contract() -> None:
    names = "PixelMiddleware Collector Rejected Discard Limits PATHS SEGMENT_PATHS TrackingPlan Event Sink __version__"
    assert set(names.split()) == set(pixelmw.__all__)
    assert all(hasattr(pixelmw, name) for name in names.split())


def test_page_and_track_are_mounted_by_default(pixel: Pixel) -> None:
    assert dict(PATHS) == {"/pixel/v1/page": "page", "/pixel/v1/track": "track"}
    assert pixel.page("")["type"] == "page"
    assert pixel.track("")["type"] == "track"
    assert pixel.get("/pixel/v1/identify", GOOD).text == "the host application"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/pixel/v1/page/",
        "///pixel/v1/page",
        "/pixel//v1/page",
        "/pixel/v1/PAGE",
        "/pixel/v1/page;a=b",
        "/x/pixel/v1/page",
        "/pixel/v1",
    ],
)
def test_any_other_path_reaches_the_application(pixel: Pixel, path: str) -> None:
    assert pixel.client.get(path, environ_overrides={"PATH_INFO": path}).text == "the host application"
    assert not pixel.events


def test_an_empty_path_reaches_the_application() -> None:
    called: list[WSGIEnvironment] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        called.append(environ)
        return []

    middleware = PixelMiddleware(app, print)
    environ = {"REQUEST_METHOD": "GET"}
    middleware(environ, no_matter)
    assert called == [environ]


def test_any_path_may_be_any_event_type() -> None:
    pixel = Pixel(paths={"/t.gif": "track", "/wer/grüßt": "identify"})
    assert pixel.collected("/t.gif", GOOD)["type"] == "track"
    assert pixel.collected("/wer/grüßt", GOOD)["type"] == "identify"
    assert pixel.get("/pixel/v1/track", GOOD).text == "the host application"


def test_a_list_is_a_sink_and_so_is_print(capsys: pytest.CaptureFixture[str]) -> None:
    events: list[Event] = []
    for sink in (events.append, print):
        Pixel(sink=sink).get("/pixel/v1/track", GOOD)
    assert events[0]["messageId"] in capsys.readouterr().out


def test_on_reject_gets_the_evidence(pixel: Pixel) -> None:
    refusal = pixel.refused("writeKey=s3cret&anonymousId=a&event=e&context.screen.width=wide")
    assert isinstance(refusal, Rejected)
    assert (refusal.code, refusal.status, refusal.event_type) == ("invalid", 400, "track")
    assert (refusal.path, refusal.rule) == ("context.screen.width", "type")
    assert refusal.message == 'context.screen.width must be of type "number"; it is "wide"'
    assert refusal.event is not None
    assert refusal.event["context"]["screen"] == {"width": "wide"}
    assert refusal.query == "writeKey=***&anonymousId=a&event=e&context.screen.width=wide"


def test_an_on_reject_that_fails_changes_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def failing(refusal: Rejected) -> None:
        raise KeyError("on_reject")

    pixel = Pixel(on_reject=failing)
    response = pixel.get("/pixel/v1/track", "writeKey=s3cret&anonymousId=a&event=e&properties.revenue=s3cret")
    assert (response.status_code, response.headers["X-Pixel-Error"]) == (400, "invalid")
    assert "KeyError" in caplog.text
    assert "s3cret" not in caplog.text
    assert {record.name for record in caplog.records} == {"pixelmw.requests"}


def test_by_default_a_refusal_is_one_line_in_the_log_without_any_value(caplog: pytest.LogCaptureFixture) -> None:
    events: list[Event] = []
    pixel = Pixel(app=PixelMiddleware(host_app, events.append), paths={"/unused": "page"})
    pixel.get("/pixel/v1/track", "writeKey=s3cret&anonymousId=s3cret&event=s3cret&context.screen.width=s3cret")
    ((name, level, line),) = caplog.record_tuples
    assert (name, level) == ("pixelmw.requests", logging.WARNING)
    assert line == "refused a track event: invalid at context.screen.width (type)"


@pytest.mark.parametrize(
    ("query", "line"),
    [
        pytest.param(
            "writeKey%3Ds3cret%26anonymousId%3D" + "x" * 300, "too-large at writeKey=… (key_chars)", id="a long name"
        ),
        pytest.param("writeKey%3Ds3cret" + ".x" * 20, "bad-query at writeKey=… (depth)", id="a deep name"),
        pytest.param("a%3Ds3cret=1&a%3Ds3cret.b=1", "bad-query at a=… (conflict)", id="a conflict"),
    ],
)
def test_a_query_that_was_escaped_twice_tells_the_log_no_value_either(
    query: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    messages: list[str] = []

    def on_reject(refusal: Rejected) -> None:
        log_rejected(refusal)
        messages.append(refusal.message)

    pixel = Pixel(on_reject=on_reject)
    pixel.get("/pixel/v1/track", query)
    assert caplog.messages == [f"refused a track event: {line}"]
    assert "s3cret" not in messages[0]


@pytest.mark.parametrize("error", [RuntimeError("full"), OSError(28, "full"), Discard(), Rejected("invalid", "x")])
def test_a_sink_that_raises_is_a_503_with_its_traceback_in_the_log(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def sink(event: Event) -> None:
        raise error

    pixel = Pixel(sink=sink)
    response = pixel.get("/pixel/v1/track", GOOD)
    assert (response.status_code, response.headers["X-Pixel-Error"]) == (503, "unavailable")
    assert "Traceback" in caplog.text
    assert type(error).__name__ in caplog.text
    assert {record.name for record in caplog.records} == {"pixelmw.requests"}
    assert not pixel.refusals
    assert pixel.middleware.collector.stats() == {"unavailable": 1}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_is_not_held_up(error: type[BaseException]) -> None:
    def sink(event: Event) -> None:
        raise error

    with pytest.raises(error):
        PixelMiddleware(host_app, sink)(environ_for(), no_matter)


def test_the_collector_stands_alone() -> None:
    events: list[Event] = []
    collector = Collector(events.append, clock=lambda: 0, new_id=lambda: "fixed")
    event = collector.collect("track", environ_for())
    assert events == [event]
    assert (event["messageId"], event["receivedAt"]) == ("fixed", "1970-01-01T00:00:00.000Z")


def test_the_collector_raises_what_happened() -> None:
    def sink(event: Event) -> None:
        raise OSError("full")

    def discard(event: Event, request: Request) -> None:
        raise Discard

    told: list[Rejected] = []
    with pytest.raises(OSError, match="full"):
        Collector(sink).collect("track", environ_for())
    with pytest.raises(Discard):
        Collector(print, enrich=[discard]).collect("track", environ_for())
    with pytest.raises(Rejected) as caught:
        Collector(print, on_reject=told.append).collect("track", environ_for(query=""))
    assert told == [caught.value]
    with pytest.raises(ValueError, match="'buy'; known are page"):
        Collector(print).collect("buy", environ_for())


@pytest.mark.parametrize("argument", ["clock", "new_id"])
def test_the_collectors_own_arguments_are_checked(argument: str) -> None:
    arguments: dict[str, Any] = {argument: 5}
    with pytest.raises(TypeError, match=argument):
        Collector(print, **arguments)


def test_the_environ_is_left_as_it_was() -> None:
    environ = environ_for()
    before = dict(environ)
    Pixel(enrich=[lambda event, request: request.args]).middleware(environ, no_matter)
    assert environ == before


def test_threads_share_a_middleware() -> None:
    pixel = Pixel(limits=Limits(params=300))
    start = threading.Barrier(8)

    def visit(number: int) -> None:
        start.wait()
        for turn in range(50):
            pixel.middleware(environ_for(query=f"{GOOD}&n={number}.{turn}"), no_matter)

    threads = [threading.Thread(target=visit, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({event["n"] for event in pixel.events}) == 400
    assert pixel.middleware.collector.stats() == {"accepted": 400}
