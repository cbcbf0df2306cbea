"""Patterns mean what ECMA-262 says, wherever a schema has one (rule 9 of the contract)."""

from __future__ import annotations

import warnings
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.drafts import DRAFTS
from tests.support.pixel import Pixel


def with_pattern(pattern: str, draft: str = "draft 2020-12") -> Pixel:
    schema = {"$schema": DRAFTS[draft], "properties": {"p": {"pattern": pattern}}}
    return Pixel(schemas={"track": schema})


def matches(pixel: Pixel, text: str) -> bool:
    answer = pixel.get("/pixel/v1/track", f"writeKey=k&event=e&p={quote(text, safe='')}")
    if answer.status_code != 200:
        assert pixel.refusals[-1].rule == "pattern"
    return answer.status_code == 200


@pytest.mark.parametrize(
    ("pattern", "matched", "unmatched"),
    [
        pytest.param("^[0-9]{5}$", ["12345"], ["12345\n", "123456"], id="$ is the very end"),
        pytest.param(r"^\d$", ["5"], ["٣", "५"], id="ten digits"),
        pytest.param(r"^\w+$", ["aZ_9"], ["é", "٣", "\u017f"], id="letters"),
        pytest.param(r"^\s$", [" ", "\ufeff", "\u00a0", "\u2029"], ["\x1c", "\x85", "\u200b"], id="white space"),
        pytest.param(r"^\S$", ["\x1c", "é"], ["\ufeff"], id="no white space"),
        pytest.param("^.$", ["a", "😀", "\x85"], ["\n", "\r", "\u2028", "\u2029"], id="any but line ends"),
        pytest.param("^[^]$", ["a", "\n", "😀"], ["ab"], id="any character"),
        pytest.param("a[]", [], ["a", "a[]"], id="no character"),
        pytest.param(r"^\cJ\cj$", ["\n\n"], ["cJcj"], id="control characters"),
        pytest.param(r"^\u00e9\u{1F600}\x41$", ["é😀A"], ["e"], id="code points"),
        pytest.param(r"^\uD83D\uDE00[\uD83D\uDE00-\uD83D\uDE05]$", ["😀😅"], ["😀😆"], id="surrogate pairs"),
        pytest.param(r"^a\/b/c$", ["a/b/c"], [r"a\/b"], id="slashes"),
        pytest.param("^(?<year>[0-9]{4})$", ["2026"], ["year"], id="a named group"),
        pytest.param("(?<=€)[0-9]", ["€5"], ["$5"], id="look-behind"),
        pytest.param("(?<!€|£)[0-9]", ["$5"], ["€5", "£5"], id="negative look-behind"),
        pytest.param("^a{,5}$", ["a{,5}"], ["aaa", ""], id="braces that are no repeat"),
        pytest.param("^x{y}]$", ["x{y}]"], ["x"], id="other braces"),
        pytest.param("^[[&&~~||]+$", ["[&~|"], ["]"], id="what Python may give a meaning one day"),
        pytest.param(r"^[\w-.]+$", ["a-.b"], [",", "+"], id="a class in a range"),
        pytest.param(r"^[\b]$", ["\b"], ["b"], id="backspace"),
        pytest.param(r"^\-\@\'\ $", ["-@' "], ["\\"], id="escapes that need none"),
        pytest.param(r"\bé", ["aé"], ["é", " é"], id="word boundaries of ASCII"),
        pytest.param(r"^\B$", [""], [], id="an empty text has no boundary"),
        pytest.param("k", ["k"], ["K", "\u212a"], id="case counts"),
        pytest.param("a|^$", ["a", ""], ["b"], id="alternatives"),
        pytest.param("^(?=a)*b$", ["b"], ["a"], id="a look-ahead that is repeated"),
        pytest.param("^(?:a?){3}$", ["", "a", "aaa"], ["aaaa"], id="a repeat of what may be empty"),
    ],
)  # fmt: skip
def test_a_pattern_means_what_ecma_262_says(pattern: str, matched: list[str], unmatched: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixel = with_pattern(pattern)
    assert [text for text in (*matched, *unmatched) if matches(pixel, text)] == matched


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"\Aa", r"in ECMA-262 it is \^"), (r"a\Z", r"in ECMA-262 it is \$"), (r"a\z", r"it is \$"),
        ("(?P<x>a)", r"\(\?<name>"), ("(?P=x)", "back-references"), ("(?#x)a", "comments"), ("(?>a)b", "atomic"),
        ("(?(1)a|b)", "conditions"), ("(?i)a", r"\[Aa\]"), ("(?i:a)", r"\[Aa\]"), ("(?aimsux-x:a)", "flags"),
        ("a++b", r"write a?\+"), ("a*+b", "possessive"), ("a?+b", "possessive"), ("a{1,2}+b", "possessive"),
        (r"(a)\1", "back-references"), (r"(?<x>a)\k<x>", "back-references"), (r"\07", "octal"),
        ("(?<=a+)b", "several lengths"), ("(?<!a|bc)d", "several lengths"), (r"\p{L}", r"\[a-z\]"),
        (r"\PL", "properties"),
        (r"\a", "ECMA-262 does not know"), (r"\h", "write h"), (r"\N{DIGIT ONE}", "write N"),
        ("(", "not closed"), (")", "closes nothing"), ("[a", "not closed"), ("*", "nothing to repeat"),
        ("a**", "nothing to repeat"), ("{2}", "nothing to repeat"), ("a{2,1}", "wrong order"), ("[b-a]", "wrong order"),
        ("\\", "backslash at its end"), ("^*", "matches no character"), (r"\u{110000}", "past the last"),
        ("(?<1>a)", "no identifier"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["pattern", "patternProperties"])
def test_what_is_not_supported_is_refused_at_construction(pattern: str, said: str, place: str) -> None:
    schema: dict[str, Any] = {"pattern": pattern} if place == "pattern" else {"patternProperties": {pattern: {}}}
    with pytest.raises(ValueError, match=said) as caught:
        Pixel(schemas={"track": {"properties": {"p": schema}}})
    assert repr(pattern) in str(caught.value)
    assert "schemas['track']" in str(caught.value)


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("pattern", [r"^[^]\cA$", "(?<x>a)", "a{,5}", r"[\w-.]", r"\u{61}", r"\/"])
def test_each_draft_takes_patterns_that_python_would_not(draft: str, pattern: str) -> None:
    with_pattern(pattern, draft)


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_names_of_properties_are_told_apart_by_the_same_patterns(draft: str) -> None:
    schema: dict[str, Any] = {"patternProperties": {r"^\d$": {"type": "integer"}}, "additionalProperties": False}
    pixel = Pixel(schemas={"track": {"$schema": DRAFTS[draft], "properties": {"p": schema}}})
    assert pixel.track("p.5=1&p.6=2")["p"] == {"5": 1, "6": 2}
    assert pixel.refused(f"writeKey=k&event=e&p.{quote('٣')}=1").rule == "additionalProperties"
    assert pixel.refused("writeKey=k&event=e&p.5%0A=1&p.x=2").rule == "additionalProperties"


@pytest.mark.parametrize("draft", ["draft 2019-09", "draft 2020-12"])
def test_so_are_the_names_that_nothing_has_evaluated(draft: str) -> None:
    schema = {"allOf": [{"patternProperties": {r"^\d$": {}}}], "unevaluatedProperties": False}
    pixel = Pixel(schemas={"track": {"$schema": DRAFTS[draft], "properties": {"p": schema}}})
    assert pixel.track("p.5=1&p.7=1")["p"] == {"5": "1", "7": "1"}
    assert pixel.refused(f"writeKey=k&event=e&p.{quote('٣')}=1").rule == "unevaluatedProperties"


@pytest.mark.parametrize("draft", [draft for draft in DRAFTS if draft != "draft 4"])
def test_so_are_names_by_property_names(draft: str) -> None:
    schema = {"propertyNames": {"pattern": "^[a-z]+$"}}
    pixel = Pixel(schemas={"track": {"$schema": DRAFTS[draft], "properties": {"p": schema}}})
    assert pixel.track("p.ab=1")["p"] == {"ab": "1"}
    assert pixel.refused("writeKey=k&event=e&p.ab%5C%20=1").rule == "propertyNames"
