"""An event that is refused in company, even by name, is tried alone before it becomes a dead letter."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Retry, Spool
from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable
from tests.support.forwarding import Batches, Bench, ids, poison
from tests.support.processes import event, wait_until

Error = Callable[[str], Exception]


def batch(names: Sequence[str]) -> list[Event]:
    return [event(name) for name in names]


class Blames(Batches):
    """A user's own sink: if its destination refuses a batch, it says that each event was refused."""

    def write(self, events: Sequence[Event]) -> None:
        try:
            super().write(events)
        except Exception as error:
            raise PartialFailure(dict.fromkeys(range(len(events)), error)) from error


@pytest.mark.parametrize("count", [2, 16, 500])
def test_an_event_that_is_refused_by_name_among_others_is_tried_alone_before_it_is_a_dead_letter(count: int) -> None:
    bench = Bench(Blames(poison("e1", error=Undeliverable)), ids(count))
    bench.finish()
    assert bench.dead == ["e1"]
    assert sorted(bench.sink.stored) == sorted(set(ids(count)) - {"e1"})


def test_while_refused_events_are_tried_alone_the_others_wait_in_order() -> None:
    bench = Bench(Blames(poison("e1", error=Undeliverable)), ids(30), max_batch=10)
    bench.finish()
    assert bench.sink.stored == [name for name in ids(30) if name != "e1"]


def test_a_sink_that_is_down_when_an_event_is_to_be_tried_alone_is_tried_with_growing_pauses() -> None:
    bench = Bench(Blames(poison("e1", error=Undeliverable)), ids(4))
    bench.steps(1)
    bench.sink.fault = lambda names: Unavailable("down", retry_after=7)
    calls = len(bench.sink.calls)
    assert min(bench.steps(20)) >= 7
    assert len(bench.sink.calls) == calls + 20
    assert (bench.dead, len(bench.forwarder)) == ([], 4)
    bench.sink.fault = lambda names: None
    bench.finish()
    assert (sorted(bench.sink.stored), bench.dead) == (ids(4), [])


def test_events_that_come_while_one_waits_to_be_tried_alone_do_not_make_a_sink_that_is_down_busy(
    tmp_path: Path,
) -> None:
    for wrap in (partial(Spool, tmp_path / "spool"), partial(Background, max_delay=0.01)):
        sink = Blames(lambda names: Undeliverable("?") if len(names) > 1 else Unavailable("down", retry_after=1.5))
        delivery = wrap(sink)
        delivery.write(batch(["a", "b"]))
        wait_until(lambda: sink.calls[1:])  # noqa: B023 - it is waited for at once
        for number in range(5):
            delivery(event(f"later-{number}"))
            threading.Event().wait(0.15)  # longer than the delivery waits for more events
        assert sink.calls == [["a", "b"], ["a"]]
        sink.fault = lambda names: None
        assert delivery.flush(20)
        assert sink.stored[:2] == ["b", "a"] or sink.stored[:2] == ["a", "b"]
        assert sink.stored[2:] == ids(5, "later-")
        delivery.close(10)


@pytest.mark.parametrize("error", [Undeliverable, lambda text: ValueError(text)])
def test_unknown_errors_of_an_event_among_others_prove_nothing_until_it_fails_alone(error: Error) -> None:
    """With two attempts, each event has been named in two failures; alone, all but one are stored."""
    bench = Bench(Blames(poison("e2", error=error)), ids(4), retry=Retry(attempts=2))
    bench.finish()
    assert bench.dead == ["e2"]
    assert sorted(bench.sink.stored) == ["e0", "e1", "e3"]


@pytest.mark.parametrize("more", [0, 5])
@pytest.mark.parametrize("count", [500, 190])
def test_an_outage_without_a_word_buries_nobody_who_was_refused_in_company(count: int, more: int) -> None:
    """More events are refused by name than may be suspects, and then the server is gone."""
    bench = Bench(Blames(poison("e150", error=Undeliverable)), ids(count))
    bench.steps(1)
    bench.queue(ids(more, "more"))
    bench.sink.fault = lambda names: RuntimeError("502 Bad Gateway")
    pauses = bench.steps(300)
    assert (bench.dead, len(bench.forwarder)) == ([], count + more)
    assert sum(pauses) > 100
    bench.sink.fault = poison("e150", error=Undeliverable)
    bench.finish()
    assert bench.dead == ["e150"]
    assert sorted(bench.sink.stored) == sorted({*ids(count), *ids(more, "more")} - {"e150"})
