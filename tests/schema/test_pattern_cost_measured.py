"""The cost of patterns as it is told at construction, beside the time that searches take on this interpreter."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial

import pytest

from pixelmw.schema.patterns import Pattern, PatternError
from pixelmw.schema.patterns.emit import emit
from pixelmw.schema.patterns.parse import parse
from tests.support.patterns import COSTLY, HARMLESS, PUMPED, Costly
from tests.support.times import check_times, least_times

pytestmark = pytest.mark.slow


def searching(pattern: str, text: str) -> Callable[[], object]:
    """A search with *pattern*, which is not judged before."""
    return partial(re.compile(emit(parse(pattern)), re.ASCII).search, text)


def seconds(pattern: str, text: str) -> float:
    """The least processor time of three searches."""
    return list(least_times(searching(pattern, text), rounds=3))[-1][0]


def text_of(costly: Costly, length: int) -> str:
    return costly.start + costly.repeated * (length // len(costly.repeated)) + costly.end


@pytest.mark.parametrize("costly", [each for each in COSTLY if not each.degree], ids=lambda costly: costly.pattern)
def test_what_is_refused_as_exponential_multiplies_its_time_with_each_repetition(costly: Costly) -> None:
    with pytest.raises(PatternError, match="exponential"):
        Pattern(costly.pattern, None)
    length = 3
    while seconds(costly.pattern, text_of(costly, length * len(costly.repeated))) < 0.002:
        length += 1
        assert length < 60
    shorter, longer = (text_of(costly, (length + more) * len(costly.repeated)) for more in (0, 3))
    check_times(
        lambda one, other: other > 2 * one, searching(costly.pattern, shorter), searching(costly.pattern, longer)
    )


@pytest.mark.parametrize("costly", [each for each in COSTLY if each.degree], ids=lambda costly: costly.pattern)
def test_the_time_grows_by_the_degree_that_is_told(costly: Costly) -> None:
    length = 16
    while seconds(costly.pattern, text_of(costly, length)) < 0.005:
        length *= 2
    once, twice = (searching(costly.pattern, text_of(costly, times * length)) for times in (1, 2))
    check_times(lambda one, other: math.log2(other / one) == pytest.approx(costly.degree, abs=0.6), once, twice)
    steps = 10**6
    allowed = Pattern(costly.pattern, steps).max_characters
    assert allowed == max(n for n in range(3000) if n**costly.degree <= steps * math.factorial(costly.degree))


@pytest.mark.parametrize("costly", [each for each in COSTLY if each.degree], ids=lambda costly: costly.pattern)
def test_the_longest_text_that_is_searched_takes_a_fraction_of_a_second(costly: Costly) -> None:
    allowed = Pattern(costly.pattern, 2_000_000).max_characters
    assert allowed is not None
    check_times(lambda took: took < 0.4, searching(costly.pattern, text_of(costly, allowed)))


@pytest.mark.parametrize("pattern", HARMLESS)
def test_what_has_no_limit_takes_time_in_proportion_to_the_text(pattern: str) -> None:
    assert Pattern(pattern, 1).max_characters is None
    for start in ("", *PUMPED):
        for repeated in PUMPED:
            for end in ("", "\x00!"):
                text = start + repeated * (8_000 // len(repeated)) + end
                check_times(lambda took: took < 0.03, searching(pattern, text))
