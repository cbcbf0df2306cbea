"""Whose fault a failure of several sinks is, as the one who called them is told."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest

from pixelmw.delivery import Background, Retry
from pixelmw.sinks import PartialFailure, Unavailable, Undeliverable, fan_out
from pixelmw.sinks.base import is_down
from pixelmw.testing import Failing, Recorder, sample_event

ALWAYS = range(1, 10_000)
FULL = OSError(28, "No space left on device")


def failing(error: Exception) -> Failing:
    return Failing(Recorder(), fail=ALWAYS, error=error)


def error_of(errors: Sequence[Exception]) -> Exception:
    """What a caller of a fan_out to sinks with these errors, and to one without, is told."""
    with pytest.raises(ExceptionGroup) as caught:
        fan_out(*map(failing, errors), Recorder())(sample_event())
    assert caught.value.exceptions == tuple(errors)
    assert caught.value.message == f"{len(errors)} of {len(errors) + 1} sinks failed"
    return caught.value


@pytest.mark.parametrize(
    ("errors", "pause"),
    [
        ([Unavailable("down")], None),
        ([Unavailable("down", retry_after=3.0), Unavailable("down", retry_after=7.0), Unavailable("down")], 7.0),
        ([FULL, ConnectionError("refused"), TimeoutError("late")], None),
        ([FULL, Unavailable("down", retry_after=0.0)], 0.0),
        ([FULL, ExceptionGroup("", [FULL, Unavailable("down", retry_after=4.0)])], 4.0),
    ],
)
def test_a_group_of_those_that_are_down_is_down_for_the_longest_time(
    errors: list[Exception], pause: float | None
) -> None:
    for group in (error_of(errors), copy.copy(error_of(errors))):
        assert isinstance(group, Unavailable)
        assert is_down(group)
        assert group.retry_after == pause


def test_a_group_of_undeliverable_ones_is_undeliverable() -> None:
    assert isinstance(error_of([Undeliverable("too large"), Undeliverable("too deep")]), Undeliverable)


@pytest.mark.parametrize(
    "errors",
    [[Unavailable("down"), Undeliverable("too large")], [Unavailable("down"), ValueError("?")], [ValueError("?")]],
)
def test_a_group_of_several_kinds_is_of_none(errors: list[Exception]) -> None:
    error = error_of(errors)
    assert not is_down(error)
    assert not isinstance(error, Undeliverable)


def test_each_event_of_a_batch_has_a_group_of_its_kind() -> None:
    sink = fan_out(failing(Unavailable("down", retry_after=2.0)), failing(Unavailable("down")))
    with pytest.raises(PartialFailure) as caught:
        sink.write([sample_event(messageId="1"), sample_event(messageId="2")])
    assert list(caught.value.failures) == [0, 1]
    assert all(isinstance(error, Unavailable) for error in caught.value.failures.values())


def test_two_destinations_that_are_down_make_no_dead_letters() -> None:
    arrived, dead = Recorder(), Recorder()
    both = fan_out(Failing(arrived, fail=range(1, 20)), Failing(Recorder(), fail=range(1, 20), error=FULL))
    with Background(both, max_delay=0.0, retry=Retry(first=0.001, cap=0.002), dead_letter=dead) as sink:
        sink(sample_event())
        arrived.wait(good=1, timeout=20.0)
        assert sink.flush(20.0)
    assert not dead.good
