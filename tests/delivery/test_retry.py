"""When to try again: bounds, caps, and what the destination asks for."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelmw.delivery import Retry
from pixelmw.delivery.retry import MAX_RETRY_AFTER

# None of them depends on the speed of the machine.
tried = settings(deadline=None, derandomize=True)


@tried
@given(st.floats(0.001, 10), st.floats(1, 1000), st.integers(1, 40))
def test_a_pause_lies_between_zero_and_a_ceiling_that_doubles_up_to_the_cap(
    first: float, factor: float, failures: int
) -> None:
    retry = Retry(first=first, cap=first * factor)
    ceiling = min(first * 2 ** (failures - 1), retry.cap)
    assert 0 <= retry.pause(failures) <= ceiling


@pytest.mark.parametrize(("failures", "ceiling"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 3.0), (50, 3.0)])
def test_pauses_are_spread_over_all_of_what_is_allowed(failures: int, ceiling: float) -> None:
    """Full jitter: processes that failed together do not come back together."""
    retry = Retry(first=0.5, cap=3.0)
    drawn = [retry.pause(failures) for _ in range(2000)]
    assert min(drawn) < 0.05 * ceiling
    assert max(drawn) > 0.95 * ceiling
    assert sum(drawn) / len(drawn) == pytest.approx(ceiling / 2, rel=0.1)


@pytest.mark.parametrize("failures", [1000, 10**6, 10**30])
def test_an_outage_of_any_length_overflows_nothing(failures: int) -> None:
    assert 0 <= Retry().pause(failures) <= 30
    assert 0 <= Retry(first=1e-300, cap=1e300).pause(failures) <= 1e300


@pytest.mark.parametrize("asked", [31.0, 120.0, MAX_RETRY_AFTER])
def test_a_pause_is_at_least_what_the_destination_asked_for(asked: float) -> None:
    assert Retry().pause(1, asked) == asked


@pytest.mark.parametrize("asked", [MAX_RETRY_AFTER + 1, 1e12, math.inf])
def test_a_destination_that_asks_for_too_much_is_asked_again_all_the_same(asked: float) -> None:
    assert Retry().pause(1, asked) == MAX_RETRY_AFTER


@pytest.mark.parametrize("asked", [None, 0.0, -5.0, math.nan])
def test_a_destination_that_asks_for_nothing_gets_an_ordinary_pause(asked: float | None) -> None:
    assert all(0 <= Retry().pause(1, asked) <= 0.1 for _ in range(100))


def test_a_longer_pause_of_our_own_is_not_shortened_by_what_the_destination_asked_for() -> None:
    retry = Retry(first=30, cap=30)
    drawn = [retry.pause(1, 1.0) for _ in range(500)]
    assert min(drawn) == 1.0
    assert max(drawn) > 20


def test_attempts_are_for_ever_unless_counted() -> None:
    assert not Retry().is_exhausted(10**9)
    assert [Retry(attempts=3).is_exhausted(tries) for tries in range(5)] == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"first": 0}, "first is 0 and cap is 30.0"),
        ({"first": -1}, "first is -1"),
        ({"first": 2, "cap": 1}, "first is 2 and cap is 1"),
        ({"first": math.nan}, "first is nan"),
        ({"cap": math.nan}, "cap is nan"),
        ({"cap": math.inf}, "cap is inf"),
        ({"attempts": 0}, "attempts is 0: give at least 1, or None for ever"),
        ({"attempts": -1}, "attempts is -1"),
    ],
)
def test_numbers_that_cannot_work_are_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Retry(**options)


def test_a_retry_can_be_shared_since_nobody_can_change_it() -> None:
    with pytest.raises(AttributeError):
        Retry().first = 1.0  # type: ignore[misc]  # mypy knows, too
