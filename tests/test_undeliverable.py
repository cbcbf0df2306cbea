"""An event that the destination will never take is refused, and not asked for again."""

from __future__ import annotations

from typing import Any

import pytest

from pixelmw import Event
from pixelmw.delivery import Background
from pixelmw.replies import GIF
from pixelmw.sinks import BatchSink, Unavailable, Undeliverable, fallback, fan_out
from tests.support import shells
from tests.support.pixel import Pixel

shell = shells.shell

GOOD = "writeKey=k&anonymousId=a&event=e"


class Batches(BatchSink):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def write(self, events: Any) -> None:
        raise self.error


def never(event: Event) -> None:
    raise Undeliverable("the destination said: userId=visitor-17 is too large")


@pytest.mark.parametrize(
    "sink",
    [
        never,
        Batches(Undeliverable("userId=visitor-17")),
        fan_out(print, never),
        fan_out(never, never),
        fallback(never, never),
    ],
)
@pytest.mark.parametrize("reply", ["gif", "ok", "auto", "always-gif"])
def test_what_the_destination_will_never_take_is_refused_as_undeliverable(
    shell: type[Pixel], reply: Any, sink: Any
) -> None:
    pixel = shell(sink=sink, reply=reply)
    response = pixel.get("/pixel/v1/track", f"{GOOD}&userId=visitor-17")
    assert response.status_code == (200 if reply == "always-gif" else 422)
    assert response.headers["X-Pixel-Error"] == "undeliverable"
    assert "Retry-After" not in response.headers
    assert response.data == (b"the destination does not take this event" if reply == "ok" else GIF)
    (refusal,) = pixel.refusals
    assert (refusal.code, refusal.status, refusal.event_type) == ("undeliverable", 422, "track")
    assert refusal.event is not None
    assert refusal.event["userId"] == "visitor-17"
    assert "writeKey=***" in refusal.query
    assert isinstance(refusal.__cause__, Undeliverable | ExceptionGroup)
    assert pixel.middleware.collector.stats() == {"undeliverable": 1}


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("down"),
        ExceptionGroup("both", [Undeliverable("x"), Unavailable("down")]),
        ExceptionGroup("both", [ExceptionGroup("inner", [Undeliverable("x")]), OSError("down")]),
    ],
    ids=repr,
)
def test_what_another_try_may_change_stays_unavailable(shell: type[Pixel], error: Exception) -> None:
    def fail(event: Event) -> None:
        raise error

    pixel = shell(sink=fail)
    response = pixel.get("/pixel/v1/track", GOOD)
    assert (response.status_code, pixel.refusals) == (503, [])
    assert int(response.headers["Retry-After"]) > 0


def test_the_log_says_once_a_minute_why_the_destination_refuses(
    shell: type[Pixel], caplog: pytest.LogCaptureFixture
) -> None:
    pixel = shell(sink=never)
    for _ in range(3):
        pixel.get("/pixel/v1/track", f"{GOOD}&userId=visitor-17")
    assert len(pixel.refusals) == 3
    assert caplog.text.count("the sink will never take a track event") == 1
    assert "the destination said: userId=… is too large" in caplog.text


def test_only_a_sink_says_undeliverable(shell: type[Pixel]) -> None:
    pixel = shell(enrich=[lambda event, request: never(event)])
    assert pixel.get("/pixel/v1/track", GOOD).status_code == 503


def test_an_event_that_is_not_json_is_refused_by_a_wrapper_before_it_is_taken() -> None:
    with Background(print) as background, pytest.raises(Undeliverable, match="not JSON"):
        background({"type": "track", "properties": {1: "one"}})
