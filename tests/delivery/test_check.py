"""Spool and Background ask the sink before they take an event: no visitor makes dead letters by size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Spool
from pixelmw.sinks import BatchSink, PartialFailure, Undeliverable, fallback, fan_out
from pixelmw.sinks.encoding import encode
from pixelmw.sinks.http import HTTP
from tests.support.pixel import Pixel
from tests.support.processes import event

Wrap = Callable[[BatchSink], Background | Spool]
# Nobody listens there, and nobody is called.
NOWHERE = "http://127.0.0.1:1"
# A quotation mark takes two bytes of JSON.
QUOTES = '"' * 16_000


class Small(BatchSink):
    """Takes events of at most 1,000 bytes, and notes what it was asked."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.asked: list[tuple[Event, bytes]] = []

    def check(self, event: Event, encoded: bytes) -> None:
        self.asked.append((event, encoded))
        if len(encoded) > 1000:
            raise Undeliverable("too large")

    def write(self, events: Sequence[Event]) -> None:
        if any("text" in each and len(each["text"]) > 900 for each in events):
            raise Undeliverable("too large")
        self.stored += [each["messageId"] for each in events]


@pytest.fixture(params=["Spool", "Background"])
def wrap(request: pytest.FixtureRequest, tmp_path: Path) -> Wrap:
    """Makes one of both wrappers around a sink."""
    return partial(Spool, tmp_path / "spool") if request.param == "Spool" else Background


def large(message_id: str) -> Event:
    return {**event(message_id), "text": "x" * 1000}


def test_an_event_that_the_sink_will_never_take_is_refused_and_does_not_wait(wrap: Wrap) -> None:
    with wrap(sink := Small()) as delivery:
        with pytest.raises(Undeliverable, match="too large"):
            delivery(large("1"))
        delivery(event("2"))
        assert delivery.flush(20)
        assert (delivery.stats()["stored"], delivery.stats()["dead"]) == (1, 0)
    assert sink.stored == ["2"]


def test_of_a_batch_the_others_are_taken(wrap: Wrap) -> None:
    with wrap(sink := Small()) as delivery:
        with pytest.raises(PartialFailure) as caught:
            delivery.write([event("1"), large("2"), event("3")])
        assert {place: type(error) for place, error in caught.value.failures.items()} == {1: Undeliverable}
        assert delivery.flush(20)
    assert sink.stored == ["1", "3"]


def test_the_sink_is_asked_with_the_bytes_that_wait(wrap: Wrap) -> None:
    """With the messageId that an event without one gets."""
    with wrap(sink := Small()) as delivery:
        delivery({"event": "e", "text": "é"})
    ((asked, encoded),) = sink.asked
    assert encode(asked) == encoded
    assert sink.stored == [asked["messageId"]]


@pytest.mark.parametrize(
    "around",
    [
        lambda sink: fan_out(sink, print),
        lambda sink: fan_out(Background(sink), print),
        lambda sink: fallback(sink, Small()),
    ],
    ids=["fan_out", "Background in fan_out", "fallback"],
)
def test_what_is_between_passes_the_question_on(wrap: Wrap, around: Callable[[BatchSink], BatchSink]) -> None:
    with wrap(around(sink := Small())) as delivery, pytest.raises(Undeliverable):
        delivery(large("1"))
    assert sink.stored == []


def test_a_fallback_takes_what_one_of_its_sinks_takes(wrap: Wrap) -> None:
    stored: list[Event] = []
    with wrap(fallback(Small(), stored.append)) as delivery:
        delivery(large("1"))
        assert delivery.flush(20)
    assert [each["messageId"] for each in stored] == ["1"]


@pytest.mark.parametrize("parameter", ["properties.q", "userId", "context.campaign.name"])
def test_a_visitor_with_many_quotation_marks_is_refused_and_makes_no_dead_letter(wrap: Wrap, parameter: str) -> None:
    delivery = wrap(HTTP(NOWHERE, "key"))
    pixel = Pixel(sink=delivery)
    response = pixel.get("/pixel/v1/track", f"writeKey=k&anonymousId=a&event=e&{parameter}={QUOTES}")
    assert (response.status_code, response.headers.get("Retry-After")) == (422, None)
    (refusal,) = pixel.refusals
    assert refusal.code == "undeliverable"
    assert delivery.stats()["queued"] == 0
    delivery.close(0)
