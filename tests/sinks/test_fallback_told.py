"""What a fallback tells of an outage: in the log, in its figures, and to those whose event neither sink takes."""

from __future__ import annotations

import pytest

from pixelmw.sinks import PartialFailure, Unavailable, Undeliverable, fallback
from tests.support.forwarding import ids
from tests.support.outages import down_pair
from tests.support.pixel import Pixel


def test_an_outage_and_a_recovery_are_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    pair = down_pair(retry_after=20.0)
    pair.put(*ids(10))
    pair.clock.now += 20
    pair.first.error = None
    pair.put("probe", "after it")
    name = repr(pair.second)
    assert [record.getMessage().removeprefix(f"{pair.first!r} ") for record in caplog.records] == [
        f"is down: events go to {name} for 20 s, and then one is tried with it",
        f"failed; the event goes to {name}",
        f"takes events again, after 20 s in which 11 events went to {name}",
    ]
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    assert {record.name for record in caplog.records} == {"pixelmw.sinks"}


def test_the_figures_say_which_sink_is_used() -> None:
    pair = down_pair()
    assert pair.stats() == {"first_is_down": 1, "given_to_second": 1}
    pair.write(*ids(3))
    pair.clock.now += 1
    pair.first.error = None
    pair.put("probe")
    assert pair.stats() == {"first_is_down": 0, "given_to_second": 4}


# --- what a refusal by the second sink says while the first one is down ---


def test_an_event_is_refused_for_ever_only_by_both() -> None:
    pair = down_pair(retry_after=40.0)
    pair.second.fault = lambda names: Undeliverable("too large")
    pair.clock.now += 10
    with pytest.raises(Unavailable) as caught:
        pair.put("not tried by the first")
    assert caught.value.retry_after == 30
    pair.clock.now += 30
    with pytest.raises(Unavailable):
        pair.put("the first is found down")
    with pytest.raises(PartialFailure) as partial:
        pair.write("a", "b")
    assert [type(error) for error in partial.value.failures.values()] == [Unavailable] * 2
    pair.clock.now += 40
    pair.first.error = Undeliverable("too large")
    with pytest.raises(Undeliverable):
        pair.put("both refuse it")


def test_a_visitor_is_asked_to_come_again_while_the_sink_is_down_that_might_take_the_event() -> None:
    def refuses(event: object) -> None:
        raise Undeliverable("too large")

    def is_down(event: object) -> None:
        raise Unavailable("down")

    pixel = Pixel(sink=fallback(is_down, refuses))
    answers = [pixel.get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)


def test_where_both_are_down_the_event_is_unavailable() -> None:
    pair = down_pair()
    pair.second.fault = lambda names: ConnectionError("down, too")
    with pytest.raises(ConnectionError, match="down, too") as caught:
        pair.put("a")
    assert caught.value.__context__ is None
    with pytest.raises(ConnectionError, match="down, too"):
        pair.write("a", "b")


def test_what_the_second_sink_does_not_store_of_a_batch_has_its_place() -> None:
    pair = down_pair()
    pair.second.fault = lambda names: ValueError("?") if "e2" in names else None
    with pytest.raises(PartialFailure) as caught:
        pair.write(*ids(4))
    assert {place: type(error) for place, error in caught.value.failures.items()} == {2: ValueError}
