"""A sink that refuses one event after the other, and takes none in between, is to blame itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest

from pixelmw import Event
from pixelmw.delivery import Retry
from pixelmw.delivery.forward.states import SinkState
from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable
from tests.support.forwarding import Batches, Bench, Calls, always, ids, poison


class ByName(Batches):
    """A sink that refuses the bad events of a batch by name, and stores the others."""

    def write(self, events: Sequence[Event]) -> None:
        ids = [event["messageId"] for event in events]
        failures = {place: error for place, each in enumerate(ids) if (error := self.fault([each])) is not None}
        self.calls.append(ids)
        self.stored += [each for place, each in enumerate(ids) if place not in failures]
        if failures:
            raise PartialFailure({place: Undeliverable(str(error)) for place, error in failures.items()})


KINDS = pytest.mark.parametrize("kind", [Batches, Calls])


@KINDS
@pytest.mark.parametrize("max_batch", [1, 30, 150, 500])
def test_a_wrong_change_at_the_destination_does_not_turn_a_backlog_into_dead_letters(
    kind: type[Calls], max_batch: int
) -> None:
    bench = Bench(kind(always(Undeliverable)), ids(1000), max_batch=max_batch)
    bench.until(lambda: bench.forwarder.sink_state is SinkState.DOWN)
    dead = list(bench.dead)
    assert dead == ids(len(dead))
    assert len(dead) < 200
    calls = len(bench.sink.calls)
    assert calls < 2 * (200 + max_batch) + 100
    pauses = bench.steps(100)
    assert len(bench.sink.calls) == calls + 100
    assert min(pauses) > 0
    assert sum(pauses) > 600
    assert bench.dead == dead
    bench.sink.fault = lambda batch: None
    bench.finish()
    assert sorted(bench.sink.stored) == sorted({*ids(1000)} - {*dead})
    assert bench.dead == dead


def test_order_is_kept_where_the_destination_is_mended_soon() -> None:
    bench = Bench(Batches(always(Undeliverable)), ids(1000))
    bench.steps(5)
    bench.sink.fault = lambda batch: None
    bench.finish()
    assert (bench.sink.stored, bench.dead) == (ids(1000), [])


@KINDS
def test_many_bad_events_of_one_visitor_do_not_keep_the_good_ones_behind_them(kind: type[Calls]) -> None:
    bad = ids(250, "bad")
    bench = Bench(kind(poison(*bad, error=Undeliverable)), [*bad, *ids(50)])
    bench.finish()
    assert sorted(bench.dead) == sorted(bad)
    assert sorted(bench.sink.stored) == sorted(ids(50))


@pytest.mark.parametrize("kind", [Batches, Calls, ByName])
def test_bad_events_among_good_ones_are_not_refused_in_a_row_however_many_a_batch_has(kind: type[Calls]) -> None:
    bad = ids(1000)[1::2]
    bench = Bench(kind(poison(*bad, error=Undeliverable)), ids(1000))
    assert sum(bench.until(lambda: not len(bench.forwarder))) < 1
    assert bench.dead == bad
    assert bench.sink.stored == ids(1000)[::2]


def test_those_at_the_end_of_a_batch_are_refused_in_a_row() -> None:
    bench = Bench(ByName(lambda batch: None if batch[0] in ids(20) else Undeliverable("changed")), ids(500))
    bench.steps(50)
    assert bench.sink.stored == ids(20)
    assert (bench.forwarder.sink_state, bench.dead) == (SinkState.DOWN, [])


def test_a_good_event_behind_many_bad_ones_is_found_by_the_first_try_that_is_not_with_the_first_of_them() -> None:
    bad = ids(499, "bad")
    bench = Bench(ByName(poison(*bad, error=Undeliverable)), bad)
    bench.steps(1)
    bench.queue(ids(3))
    assert sum(bench.until(lambda: bool(bench.sink.stored))) < 60
    bench.finish()
    assert bench.dead == bad


@KINDS
def test_fewer_bad_events_are_dead_letters_at_once(kind: type[Calls]) -> None:
    bad = ids(150, "bad")
    bench = Bench(kind(poison(*bad, error=Undeliverable)), bad)
    assert sum(bench.until(lambda: not len(bench.forwarder))) < 1
    assert bench.dead == bad


@KINDS
def test_a_sink_that_refused_all_of_a_batch_one_by_one_has_a_pause_before_the_next(kind: type[Calls]) -> None:
    bench = Bench(kind(always(Undeliverable)), ids(40), max_batch=20)
    (pause,) = bench.steps(1)
    assert 0 < pause <= 0.1
    assert bench.dead == ids(20)


def test_a_sink_that_refused_everything_and_is_down_then_is_left_alone_as_long_as_it_asks() -> None:
    bench = Bench(Batches(always(Undeliverable)), ids(300))
    bench.steps(3)
    bench.sink.fault = always(lambda text: Unavailable(text, retry_after=60))
    assert bench.steps(2) == [60, 60]
    assert bench.dead == []


def test_with_finite_attempts_what_is_refused_again_and_again_is_buried() -> None:
    bench = Bench(Batches(always(Undeliverable)), ids(300), retry=Retry(attempts=3))
    bench.finish()
    assert sorted(bench.dead) == sorted(ids(300))


def test_it_is_told_what_to_look_at_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(Batches(always(Undeliverable)), ids(300))
    bench.steps(10)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "refused 200 events in a row, and now and then one is tried; was the destination changed" in record.message
    assert "300 or more events wait" in record.message
    bench.sink.fault = lambda batch: None
    bench.finish()
    assert "takes events again, after" in caplog.records[-1].message
