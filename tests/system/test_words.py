"""What of an event no log may show, whatever an enricher has left in it."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.local import LocalProxy

from pixelmw.system.words import masked_words, private_in


def circle() -> dict[str, Any]:
    """A dict that holds itself, in a list and in a tuple, and one text."""
    found: dict[str, Any] = {"text": "a secret"}
    found["list"], found["tuple"] = [found, [found]], (found,)
    return found


def chain(levels: int) -> list[Any]:
    """A list in a list and so on, with one text in the innermost."""
    found: list[Any] = ["a secret"]
    for _ in range(levels):
        found = [found, found]
    return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(circle(), ["a secret"], id="a dict that holds itself"),
        pytest.param(chain(5000), ["a secret"], id="the same lists again and again, and deep"),
        pytest.param({"n": 10**5000}, [], id="a number that Python does not write"),
        pytest.param({"n": 12345678901, "m": 1234567890.5}, ["1234567890.5", "12345678901"], id="long numbers"),
        pytest.param({"n": True, "m": 7, "k": None}, [], id="nothing that tells anybody"),
        pytest.param({12345678901: {("a name", 1): 1}}, ["12345678901", "a name"], id="names that are no texts"),
        pytest.param({"ada@example.com": 1, "plain name": 1}, ["ada@example.com"], id="an unusual name"),
        pytest.param([LocalProxy(lambda: "far away"), object(), {1, 2}], [], id="objects that are not asked"),
    ],
)
def test_each_text_is_found_once_whatever_holds_it(value: Any, expected: list[str]) -> None:
    assert sorted(private_in([value])) == expected


def test_a_message_shows_nothing_of_them_and_is_one_line() -> None:
    assert masked_words(["found a secret\nin it"], [circle()]) == ["found … in it"]
