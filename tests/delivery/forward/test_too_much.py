"""A batch that is too much for the destination is made smaller, down to one event, and grows again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from pixelmw.delivery.forward import Forwarder, Item
from pixelmw.delivery.forward.states import SinkState
from pixelmw.delivery.retry import Retry
from pixelmw.sinks.base import SinkError, Unavailable, Undeliverable
from pixelmw.sinks.encoding import encode
from tests.support.forwarding import Batches, Bench, Fault, always, ids

Error = Callable[[str], Exception]
TOO_MUCH = pytest.mark.parametrize("error", [TimeoutError, ConnectionResetError, BrokenPipeError, Unavailable])


def at_most(count: int, error: Error = TimeoutError) -> Fault:
    """A batch of more than *count* events meets *error*."""
    return lambda batch: error("gone away") if len(batch) > count else None


@TOO_MUCH
@pytest.mark.parametrize("most", [333, 10, 1])
def test_a_batch_that_is_too_much_three_times_is_halved_until_the_destination_takes_it(error: Error, most: int) -> None:
    bench = Bench(Batches(at_most(most, error)), ids(1000))
    assert sum(bench.until(lambda: len(bench.sink.stored) >= 500)) < 112  # the ceilings of eleven pauses
    assert bench.sink.calls[:3] == [ids(500)] * 3
    assert len(bench.sink.calls[3]) == 250
    bench.finish()
    assert bench.sink.stored == ids(1000)
    assert bench.dead == []


def test_a_destination_that_stores_before_it_times_out_gets_few_copies() -> None:
    """It needs 6 ms for an event, and the sink waits 2 s."""
    copies: Counter[str] = Counter()

    def answer(batch: list[str]) -> TimeoutError | None:
        copies.update(batch[:333])
        return TimeoutError("2 s are over") if len(batch) > 333 else None

    bench = Bench(Batches(answer), ids(20_000))
    bench.finish()
    assert bench.sink.stored == ids(20_000)
    assert max(copies.values()) <= 4
    assert copies.total() < 1.25 * 20_000


def test_batches_grow_again_once_the_destination_takes_more() -> None:
    bench = Bench(Batches(at_most(7)), ids(2000))
    bench.until(lambda: len(bench.sink.stored) > 1000)
    states = [bench.forwarder.sink_state]
    bench.sink.fault = lambda batch: None
    bench.queue(ids(20_000, "later"))
    bench.until(lambda: len(bench.sink.calls[-1]) == 500)
    states.append(bench.forwarder.sink_state)
    assert states == [SinkState.HALVING, SinkState.FLOWING]
    assert len(bench.sink.stored) < 15_000


@TOO_MUCH
def test_after_an_outage_the_size_is_found_again_in_some_calls(error: Error) -> None:
    bench = Bench(Batches(always(error)), ids(5000))
    bench.steps(40)
    assert bench.forwarder.sink_state is SinkState.DOWN
    assert bench.sink.calls[-1] == ["e0"]
    bench.sink.fault = lambda batch: None
    bench.steps(10)
    assert len(bench.sink.calls[-1]) == 500
    bench.finish()
    assert bench.sink.stored == ids(5000)


@pytest.mark.parametrize(
    "error",
    [
        lambda text: Unavailable(text, retry_after=0.5),
        lambda text: OSError(28, text),
        ConnectionRefusedError,
    ],
    ids=["Retry-After", "a full disk", "nobody there"],
)
def test_a_destination_that_would_not_take_one_event_either_gets_the_same_batch_again(error: Error) -> None:
    bench = Bench(Batches(always(error)), ids(20))
    bench.steps(30)
    assert bench.sink.calls == [ids(20)] * 30


@pytest.mark.parametrize("error", [Undeliverable, SinkError, ValueError])
def test_where_larger_batches_are_refused_and_their_halves_are_not_smaller_ones_are_sent(error: Error) -> None:
    bench = Bench(Batches(at_most(300, error)), ids(20_000))
    bench.finish()
    assert bench.sink.stored == ids(20_000)
    refused = [call for call in bench.sink.calls if len(call) > 300]
    assert len(refused) < 10


def test_a_batch_holds_at_most_a_mebibyte_of_text() -> None:
    sink = Batches()
    forwarder = Forwarder(sink, retry=Retry(), dead_letter=None, on_done=lambda items: None, max_batch=500)
    sizes = [300_000, 300_000, 300_000, 300_000, 2**21, 10, 10]
    for number, size in enumerate(sizes):
        payload = encode({"messageId": f"e{number}", "text": "é" * (size // 2)})
        forwarder.pending.append(Item(payload, number))
    while len(forwarder):
        forwarder.step()
    assert sink.calls == [["e0", "e1", "e2"], ["e3"], ["e4"], ["e5", "e6"]]
