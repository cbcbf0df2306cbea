"""Nothing makes a destination be called more often than its Retry-After and the pauses of Retry allow."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Retry, Spool
from pixelmw.sinks.base import Unavailable
from tests.support.forwarding import Batches, Bench, Calls, always, ids, poison, put

Delivery = Background | Spool
Wrap = Callable[..., Delivery]


@pytest.fixture(params=["Spool", "Background"])
def wrap(request: pytest.FixtureRequest, tmp_path: Path) -> Wrap:
    """Makes one of both wrappers around a sink."""
    return partial(Spool, tmp_path / "spool") if request.param == "Spool" else partial(Background, max_delay=0.01)


def test_a_step_before_the_pause_is_over_calls_nobody_and_says_how_long_it_takes() -> None:
    bench = Bench(Batches(always(lambda text: Unavailable(text, retry_after=5))), ids(3))
    assert bench.forwarder.step() == 5
    bench.now += 2
    assert [bench.forwarder.step() for _ in range(100)] == [3.0] * 100
    assert len(bench.sink.calls) == 1
    bench.now += 3
    assert bench.forwarder.step() == 5
    assert len(bench.sink.calls) == 2


def test_a_suspect_for_which_nobody_waits_is_not_tried_before_its_pause_is_over() -> None:
    bench = Bench(Calls(poison("bad")), ["bad", "e0"])
    bench.until(lambda: bench.sink.stored == ["e0"])
    bench.steps(10)
    calls = len(bench.sink.calls)
    left = [bench.forwarder.step() for _ in range(100)]
    assert len(bench.sink.calls) <= calls + 1
    bench.queue(["e1"])
    bench.steps(1)
    assert bench.sink.stored == ["e0", "e1"], "what comes later does not wait for it"
    assert min(left) > 0


def test_the_owner_may_shorten_a_pause_when_it_is_about_to_lose_what_waits() -> None:
    bench = Bench(Batches(always(lambda text: Unavailable(text, retry_after=800))), ids(3))
    bench.forwarder.step()
    bench.now += 0.4
    assert bench.forwarder.step() == pytest.approx(799.6)
    assert len(bench.sink.calls) == 1
    bench.forwarder.longest_pause = 0.5
    assert bench.forwarder.step() == pytest.approx(0.1)
    bench.now += 0.2
    assert bench.forwarder.step() == 800
    assert len(bench.sink.calls) == 2


def test_flush_waits_as_long_as_the_destination_asks(wrap: Wrap) -> None:
    sink = Batches(always(lambda text: Unavailable(text, retry_after=30)))
    delivery = wrap(sink)
    put(delivery, ids(3))
    assert not delivery.flush(0.7)
    assert not delivery.flush(0)
    assert len(sink.calls) <= 2  # the second one where a batch was smaller, or a forwarder new
    sink.fault = lambda batch: None
    delivery.close(5)


@pytest.mark.parametrize("error", [ConnectionError, ValueError], ids=["down", "without a word"])
def test_flush_tries_no_more_often_than_the_pauses_allow(wrap: Wrap, error: Callable[[str], Exception]) -> None:
    sink = Batches(always(error))
    delivery = wrap(sink, retry=Retry(first=0.2, cap=0.2))
    put(delivery, ids(10))
    began = time.monotonic()
    assert not delivery.flush(0.8)
    seconds = time.monotonic() - began
    # A pause lasts a tenth of a second on average; in doubt, a step is two calls, and the first a search.
    assert len(sink.calls) < 40 + 30 * seconds
    sink.fault = lambda batch: None
    delivery.close(5)


def test_flush_does_not_use_up_the_attempts(wrap: Wrap) -> None:
    letters: list[Event] = []
    sink = Batches(always(ConnectionError))
    delivery = wrap(sink, retry=Retry(first=1, cap=30, attempts=20), dead_letter=letters.append)
    put(delivery, ids(10))
    assert not delivery.flush(0.5)
    assert letters == []
    assert len(sink.calls) < 10
    sink.fault = lambda batch: None
    delivery.close(5)
