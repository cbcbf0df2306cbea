"""Texts in place of numbers: what becomes a number, what is refused, and what says nothing."""

from __future__ import annotations

import json

import pytest

from tests.support.pixel import Pixel

BASE = "writeKey=k&anonymousId=a&event=e"
HUGE = "1" + "0" * 308
NUMBERS = {
    "5": 5,
    "-0": 0,
    "-0.0": -0.0,
    "1e3": 1000.0,
    "1E%2B3": 1000.0,
    "1.50": 1.5,
    HUGE: 10**308,
    "0." + "3" * 5000: 1 / 3,
}
NOT_NUMBERS = {
    "400 digits": "9" * 400,
    "5000 digits": "9" * 5000,
    "5000 digits and a fraction": "9" * 5000 + ".5",
    "infinite": "1e999",
    "smaller than any double": "1e-999",
    "infinite below": "-1e999",
    "nan": "nan",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "leading zero": "01",
    "minus and leading zero": "-01",
    "underscore": "1_0",
    "plus": "%2B5",
    "Arabic digit": "%D9%A5",
    "Arabic digits behind": "1%D9%A5",
    "full-width digits": "%EF%BC%95",
    "superscript": "%C2%B2",
    "hexadecimal": "0x10",
    "no fraction": "1.",
    "no whole": ".5",
    "comma": "1,5",
    "JSON list": "[5]",
    "JSON string": "%225%22",
    "true": "true",
    "NUL": "5%00",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=text[:12]) for text in NUMBERS])
def test_the_json_text_of_a_number_becomes_it(text: str) -> None:
    value = Pixel(schemas={"track": {"properties": {"n": {"type": "number"}}}}).track(f"n={text}")["n"]
    assert repr(value) == repr(NUMBERS[text])
    assert json.loads(json.dumps(value, allow_nan=False)) == value


@pytest.mark.parametrize("type_", ["number", "integer"])
@pytest.mark.parametrize("what", NOT_NUMBERS)
def test_whatever_is_no_json_text_of_a_number_is_refused_as_one(what: str, type_: str) -> None:
    pixel = Pixel(schemas={"track": {"properties": {"n": {"type": type_}}}})
    refusal = pixel.refused(f"{BASE}&n={NOT_NUMBERS[what]}")
    assert (refusal.code, refusal.path, refusal.rule) == ("invalid", "n", "type")
    assert len(refusal.message) < 120
    assert isinstance(pixel.track(f"x={NOT_NUMBERS[what]}")["x"], str)  # where no type is named, it is just text


@pytest.mark.parametrize("text", [" 5 ", "+5", "5%0A", "5%C2%A0"])
def test_blanks_around_a_number_do_not_matter(text: str) -> None:
    assert Pixel(schemas={"track": {"properties": {"n": {"type": "number"}}}}).track(f"n={text}")["n"] == 5


@pytest.mark.parametrize("text", ["NaN", "undefined", "", "%00"])
def test_text_that_says_nothing_is_no_number_and_no_fault(text: str) -> None:
    assert "n" not in Pixel(schemas={"track": {"properties": {"n": {"type": "number"}}}}).track(f"n={text}")
