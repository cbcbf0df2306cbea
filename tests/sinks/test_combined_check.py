"""An event that a ``check`` refuses is given to none of the sinks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pixelmw import Event
from pixelmw.delivery import Background
from pixelmw.sinks import BatchSink, PartialFailure, Unavailable, Undeliverable, fallback, fan_out
from pixelmw.sinks.base import raise_failures
from pixelmw.sinks.encoding import encode, encode_each
from pixelmw.sinks.http import HTTP
from tests.support.outages import Pair
from tests.support.pixel import Pixel
from tests.support.processes import event


class Limited(BatchSink):
    """Says by its ``check`` that it takes no more than *most* bytes, and is down while it is told to be."""

    def __init__(self, most: int, error: Exception | None = None) -> None:
        self.most = most
        self.error = error
        self.stored: list[str] = []

    def check(self, event: Event, encoded: bytes) -> None:
        if self.error is not None:
            raise self.error
        if len(encoded) > self.most:
            raise Undeliverable(f"over {self.most} bytes")

    def write(self, events: Sequence[Event]) -> None:
        encoded, refused = encode_each(self.encode, events)
        self.stored += [events[place]["messageId"] for place in encoded]
        raise_failures(refused, len(events))

    def encode(self, event: Event) -> bytes:
        encoded = encode(event)
        if len(encoded) > self.most:
            raise Undeliverable(f"over {self.most} bytes")
        return encoded


SMALL, LARGE = event("small"), event("large", size=500)


def test_one_sink_of_several_refuses_an_event_before_any_of_them_has_it() -> None:
    first, last = Limited(10_000), Limited(300)
    plain: list[Event] = []
    sink = fan_out(first, plain.append, fan_out(last))
    with pytest.raises(Undeliverable):
        sink(LARGE)
    with pytest.raises(PartialFailure) as caught:
        sink.write([SMALL, LARGE, SMALL])
    assert [(place, isinstance(error, Undeliverable)) for place, error in caught.value.failures.items()] == [(1, True)]
    assert first.stored == last.stored == [each["messageId"] for each in plain] == ["small", "small"]


def test_of_a_batch_that_is_refused_whole_nothing_is_stored() -> None:
    first = Limited(10_000)
    with pytest.raises(PartialFailure):
        fan_out(first, Limited(300)).write([LARGE, LARGE])
    assert first.stored == []


def test_all_refusals_of_an_event_come_together() -> None:
    with pytest.raises(Undeliverable) as caught:
        fan_out(Limited(300), Limited(200)).check(LARGE, b"x" * 500)
    assert isinstance(caught.value, ExceptionGroup)
    assert [str(error) for error in caught.value.exceptions] == ["over 300 bytes", "over 200 bytes"]


@pytest.mark.parametrize("error", [Unavailable("it does not know its limit yet"), ValueError("?")])
def test_an_event_whose_check_fails_is_given_to_nobody(error: Exception) -> None:
    first = Limited(10_000)
    sink = fan_out(first, Limited(10_000, error))
    with pytest.raises(ExceptionGroup) as caught:
        sink(SMALL)
    assert caught.value.exceptions == (error,)
    assert not isinstance(caught.value, Undeliverable)
    with pytest.raises(PartialFailure):
        sink.write([SMALL])
    assert first.stored == []


def test_what_is_not_json_is_refused_where_there_is_a_check() -> None:
    first: list[Event] = []
    with pytest.raises(Undeliverable):
        fan_out(first.append, Limited(300))({"messageId": "m", "x": object()})
    assert first == []


def test_a_visitor_whose_event_is_too_large_for_a_data_plane_leaves_nothing_elsewhere() -> None:
    """The data plane is not asked: nobody listens there."""
    stored: list[Event] = []
    pixel = Pixel(sink=fan_out(stored.append, HTTP("http://127.0.0.1:9", "k")))
    query = f"writeKey=k&anonymousId=a&event=e&properties.text=a{'%01' * 6000}"
    assert pixel.get("/pixel/v1/track", query).status_code == 422
    assert stored == []


@pytest.mark.parametrize(("first", "second", "is_refused"), [(300, 200, True), (300, 900, False), (900, 300, False)])
def test_a_fallback_refuses_what_neither_takes(first: int, second: int, is_refused: bool) -> None:
    sink = fan_out(fallback(Limited(first), Limited(second)))
    try:
        sink(LARGE)
    except Undeliverable:
        assert is_refused
    else:
        assert not is_refused


def test_a_fallback_with_a_sink_that_cannot_tell_refuses_nothing_beforehand() -> None:
    fallback(Limited(300), print).check(LARGE, b"x" * 500)
    fallback(print, Limited(300)).check(LARGE, b"x" * 500)
    with Background(print) as background:
        fallback(Limited(300), background).check(LARGE, b"x" * 500)


def test_while_the_first_sink_is_down_its_check_still_says_what_it_will_never_take() -> None:
    pair = Pair()
    pair.first.error = ConnectionError()
    pair.put("finds out")
    pair.second.fault = lambda names: Undeliverable("too large")
    with pytest.raises(Unavailable):
        pair.put("may be taken later")

    class Down(Limited):
        def write(self, events: Sequence[Event]) -> None:
            raise ConnectionError

    sink = fallback(Down(300), Limited(300))
    for _ in range(2):  # found down, and known to be
        with pytest.raises(Undeliverable):
            sink(LARGE)
        with pytest.raises(PartialFailure) as caught:
            sink.write([SMALL, LARGE])
        assert isinstance(caught.value.failures[1], Undeliverable)
