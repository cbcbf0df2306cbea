"""Exceptions that arrive from outside, at any line of a thread that uses a fan_out or a fallback."""

from __future__ import annotations

import pytest

from pixelmw.sinks import fallback, fan_out
from tests.support import interrupts
from tests.support.forwarding import Batches, ids
from tests.support.interrupts import call_and_interrupt
from tests.support.outages import Flapping, Pair, Stepping
from tests.support.processes import event

quiet_log = interrupts.quiet_log
pytestmark = [*interrupts.MARKS, pytest.mark.usefixtures("quiet_log")]


@pytest.mark.parametrize("rate", [500.0, 2000.0])
def test_whatever_line_is_interrupted_the_first_sink_is_used_again_once_it_is_back(rate: float) -> None:
    pair = Pair()
    first = Flapping()
    pair.sink = fallback(first, pair.second, clock=Stepping())
    told = call_and_interrupt(lambda name: pair.sink(event(name)), rate=rate)
    assert len(told) > 100
    assert {*told} <= {*first.stored, *pair.second.stored}
    first.is_well = True
    pair.put(*ids(100))
    assert first.stored[-1] == "e99"


def test_whatever_line_is_interrupted_who_is_told_yes_is_in_all_sinks() -> None:
    sinks = Batches(), Batches(), Batches()
    told = call_and_interrupt(lambda name: fan_out(*sinks)(event(name)))
    assert len(told) > 100
    assert all({*told} <= {*sink.stored} for sink in sinks)
