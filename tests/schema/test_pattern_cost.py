"""What a search with a pattern may cost: told at construction, held at each request (rule 9 of the contract)."""

from __future__ import annotations

import math
import re
import time
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest

from pixelmw import Limits
from tests.support.patterns import COSTLY, HARMLESS, Costly
from tests.support.pixel import Pixel
from tests.support.times import check_times

EXPONENTIAL = [each for each in COSTLY if not each.degree]
POLYNOMIAL = [each for each in COSTLY if each.degree]


def with_pattern(pattern: str, **options: Any) -> Pixel:
    return Pixel(schemas={"track": {"properties": {"p": {"pattern": pattern}}}}, **options)


def message_for(pixel: Pixel, text: str) -> str:
    return pixel.refused(f"writeKey=k&event=e&p={quote(text)}").message


@pytest.mark.parametrize("costly", EXPONENTIAL, ids=lambda costly: costly.pattern)
def test_a_pattern_that_can_take_exponential_time_is_refused_at_construction(costly: Costly) -> None:
    with pytest.raises(ValueError, match="exponential"):
        with_pattern(costly.pattern)


@pytest.mark.parametrize("costly", POLYNOMIAL, ids=lambda costly: costly.pattern)
def test_a_text_is_searched_up_to_the_length_that_the_limit_of_steps_allows(costly: Costly) -> None:
    pixel = with_pattern(costly.pattern)
    allowed = max(n for n in range(3000) if n**costly.degree <= 2_000_000 * math.factorial(costly.degree))
    answer = pixel.get("/pixel/v1/track", "writeKey=k&event=e&p=" + "%01" * allowed)
    assert answer.status_code == 200 or "must match" in pixel.refusals[-1].message
    assert f"at most {allowed}" in message_for(pixel, "\x01" * (allowed + 1))


@pytest.mark.parametrize("pattern", HARMLESS)
def test_a_pattern_of_every_day_has_no_limit(pattern: str) -> None:
    pixel = with_pattern(pattern, limits=Limits(pattern_steps=1))
    answer = pixel.get("/pixel/v1/track", "writeKey=k&event=e&p=" + "%01" * 9000)
    assert answer.status_code == 200 or "must match" in pixel.refusals[-1].message


def test_the_refusal_says_that_the_text_is_too_long() -> None:
    refusal = with_pattern(r"\s+$").refused(f"writeKey=k&event=e&p={'x' * 2001}")
    assert (refusal.code, refusal.path, refusal.rule) == ("invalid", "p", "pattern")
    assert refusal.message == r'p is too long: it has 2001 characters; the pattern "\s+$" searches at most 2000'


@pytest.mark.parametrize(("steps", "characters"), [(50, 10), (5_000, 100), (None, 9_000)])
def test_the_limit_of_steps_is_an_argument(steps: int | None, characters: int) -> None:
    pixel = with_pattern(r"\s+$", limits=Limits(pattern_steps=steps))
    assert "must match" in message_for(pixel, "x" * characters)
    if steps:
        assert "too long" in message_for(pixel, "x" * (characters + 1))


@pytest.mark.parametrize("steps", [0, -1, True, "5", 1.5])
def test_a_limit_of_steps_is_a_positive_integer_or_none(steps: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="pattern_steps"):
        Limits(pattern_steps=steps)


def test_a_pattern_that_could_search_no_text_that_it_matches_is_refused_at_construction() -> None:
    pattern = "^([a-z]+?){30}$"
    with pytest.raises(ValueError, match="pattern_steps"):
        with_pattern(pattern)
    assert with_pattern(pattern, limits=Limits(pattern_steps=10**40)).track(f"p={'x' * 30}")["p"] == "x" * 30


@pytest.mark.parametrize("negated", [False, True])
def test_a_text_that_is_too_long_gets_past_no_pattern(negated: bool) -> None:
    schema: Any = {"pattern": r"\s+$"}
    pixel = Pixel(schemas={"track": {"properties": {"p": {"not": schema} if negated else schema}}})
    refusal = pixel.refused(f"writeKey=k&event=e&p={'x' * 2001}")
    assert (refusal.path, refusal.rule) == ("p", "pattern")


def test_a_text_that_is_too_long_does_no_harm_where_the_pattern_does_not_decide() -> None:
    pixel = Pixel(schemas={"track": {"properties": {"p": {"anyOf": [{"pattern": r"\s+$"}, {"minLength": 5}]}}}})
    assert pixel.track(f"p={'x' * 2001}")["p"] == "x" * 2001


def test_all_texts_of_a_request_share_the_limit_of_steps() -> None:
    schema = {"properties": {"p": {"items": {"pattern": r"^\s*\S+\s*\S+$"}}}}
    pixel = Pixel(schemas={"track": schema})
    few = "&".join(f"p.{index}={'x' * 200}" for index in range(1))
    many = "&".join(f"p.{index}={index:03}{'x' * 200}" for index in range(100))
    assert pixel.track(few)["p"] == ["x" * 200]
    refusal = pixel.refused(f"writeKey=k&event=e&{many}")
    assert (refusal.code, refusal.rule) == ("invalid", "pattern")
    assert "too much text" in refusal.message


def test_a_name_that_is_too_long_for_a_pattern_of_names_is_refused() -> None:
    pixel = Pixel(schemas={"track": {"patternProperties": {r"^.*?,.*?,.*?,.*?x$": False}}})
    assert pixel.track(f"{'x' * 80}=1")
    assert pixel.refused(f"writeKey=k&event=e&{'x' * 90}=1").rule == "pattern"


def test_a_length_is_judged_before_a_pattern() -> None:
    schema = {"pattern": r"^[A-Za-z]+ ?[A-Za-z]+ ?[A-Za-z]+$", "maxLength": 100}
    pixel = Pixel(schemas={"track": {"properties": {"p": schema}}})
    assert pixel.refused(f"writeKey=k&event=e&p={'x' * 2000}").rule == "maxLength"


def test_a_refusal_searches_a_text_once() -> None:
    pixel = with_pattern(r"\s+$")
    text = " " * 1999 + "x"
    check_times(
        lambda once, refusing: once > 0.001 and refusing < 1.7 * once,
        lambda: re.search(r"\s+\Z", text),
        lambda: message_for(pixel, text),
    )


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("x" * 100_000, id="a text of 100,000 characters"),
        pytest.param("(" * 10_000 + ")" * 10_000, id="10,000 groups"),
        pytest.param("(?:" * 90 + "a" + "){9}" * 90, id="repeats in repeats"),
        pytest.param("a?" * 1000, id="1,000 optional characters"),
        pytest.param("[a-z]*" * 1000 + "!", id="1,000 loops"),
        pytest.param("(a?){50}a{50}", id="50 optional characters"),
        pytest.param("(?:" + "|".join(f"w{index}" for index in range(20_000)) + ")*x", id="20,000 words in a loop"),
        pytest.param("(?:a{999999999999}){999999999999}", id="large numbers"),
        pytest.param("[" + "".join(map(chr, range(0x100, 0x4000, 2))) + "]*x", id="a large class"),
        pytest.param("(?:" + "|".join("a" * index for index in range(1, 500)) + ")x", id="a tree of 500 levels"),
    ],
)
def test_a_huge_pattern_is_judged_in_bounded_time(pattern: str) -> None:
    began = time.thread_time()
    with suppress(ValueError):
        with_pattern(pattern)
    assert time.thread_time() - began < 5


def test_a_pattern_that_is_too_large_to_judge_is_refused_and_says_so() -> None:
    with pytest.raises(ValueError, match="is too large to tell how long a search with it may take"):
        with_pattern(f"(?:{'ab' * 6000})*x")


def test_what_is_repeated_no_times_costs_nothing() -> None:
    assert with_pattern("^(?:[a-z]+){0}b$").track("p=b")["p"] == "b"


def test_a_long_list_of_words_works() -> None:
    words = [f"{letter}{number}" for letter in "abcdefgh" for number in range(250)]
    pixel = with_pattern(f"^(?:{'|'.join(words)})$")
    assert pixel.track("p=h249")["p"] == "h249"
    assert pixel.refused("writeKey=k&event=e&p=h250").rule == "pattern"
