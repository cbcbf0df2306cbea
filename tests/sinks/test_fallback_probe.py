"""What becomes of an outage if the call that probes ends in one way or another."""

from __future__ import annotations

from collections.abc import Callable

import gevent
import pytest

from pixelmw.sinks import Unavailable, Undeliverable
from tests.support.forwarding import ids
from tests.support.outages import NO_WORD_ON_THE_SINK, down_pair, pauses
from tests.support.threads import on_a_thread

Error = Callable[[], Exception]


@pytest.mark.parametrize("error", NO_WORD_ON_THE_SINK.values(), ids=NO_WORD_ON_THE_SINK)
def test_a_probe_without_a_word_on_the_sink_leaves_the_next_one_to_probe(error: Error) -> None:
    pair = down_pair()
    pair.clock.now += 1
    pair.first.error = error()
    pair.put("probe")
    pair.first.error = Unavailable("down")
    pair.put("next", "not this one")
    assert pair.tried() == 2
    assert pauses(pair, 1) == [2]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, gevent.GreenletExit, gevent.Timeout])
def test_a_probe_that_is_ended_from_outside_leaves_the_next_one_to_probe_though_its_traceback_is_kept(
    kind: type[BaseException],
) -> None:
    pair = down_pair()
    pair.clock.now += 1
    pair.first.error = kind()
    with pytest.raises(kind) as kept:
        pair.put("probe")
    pair.first.error = None
    pair.put("next", "after it")
    assert pair.first.stored == ["next", "after it"]
    assert kept.value.__traceback__ is not None


def test_a_probe_lets_the_next_one_probe_while_it_waits_for_the_second_sink() -> None:
    pair = down_pair()
    pair.clock.now += 1
    pair.first.error = ValueError("?")
    asked: list[list[str]] = []

    def beside(names: list[str]) -> None:
        if not asked:
            asked.append(names)
            pair.first.error = None
            on_a_thread(lambda: pair.put("next"))

    pair.second.fault = beside
    pair.put("probe")
    assert (pair.first.stored, pair.second.stored) == (["next"], ["probe"])


def test_a_probe_of_a_batch_that_is_stored_in_part_ends_the_outage() -> None:
    pair = down_pair()
    pair.clock.now += 1
    pair.first.fault = lambda names: Undeliverable("too large") if "e3" in names else None
    pair.write(*ids(8))
    assert pair.stats()["first_is_down"] == 0
    pair.put("next")
    assert pair.first.stored == ["e0", "e1", "e2", "e4", "e5", "e6", "e7", "next"]
    assert pair.second.stored == ["e3"]


def test_a_probe_of_an_empty_batch_is_none() -> None:
    pair = down_pair()
    pair.clock.now += 1
    pair.first.error = None
    pair.write()
    assert pair.stats()["first_is_down"] == 1
    pair.put("probe")
    assert pair.stats()["first_is_down"] == 0
