"""Links as mail clients, templates and copying leave them: what has one meaning is read, in any order of parameters."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelmw import Limits, Rejected
from pixelmw.params import join_name, parse_query
from pixelmw.params.names import repair_name, split_name
from tests.support.pixel import Pixel

LIMITS = Limits()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("a=1&amp;b=2", {"a": "1", "b": "2"}, id="escaped once too often"),
        pytest.param("a=1&amp;amp;amp;b=2", {"a": "1", "b": "2"}, id="however often"),
        pytest.param("a=1&amp%3Bb=2", {"a": "1", "b": "2"}, id="and its semicolon escaped"),
        pytest.param("amp;a=1", {"a": "1"}, id="in front of the first"),
        pytest.param("a=1&amp;b.c=2&amp;b.d=3", {"a": "1", "b": {"c": "2", "d": "3"}}, id="of nested names"),
        pytest.param("a=1&amp;&amp;b=2&amp;", {"a": "1", "b": "2"}, id="with nothing behind it"),
        pytest.param("a=1&amp;a=2", {"a": "1"}, id="the first of a repeated name wins"),
        pytest.param("a=1&%0D%0A++b=2", {"a": "1", "b": "2"}, id="broken over two lines"),
        pytest.param("a=1&%0A+amp;%09amp;+b+=2", {"a": "1", "b": "2"}, id="both, and mixed"),
        pytest.param("a=1& b =2", {"a": "1", "b": "2"}, id="raw spaces"),
        pytest.param("a=1&%E2%80%83b%C2%A0=2", {"a": "1", "b": "2"}, id="other white space"),
        pytest.param("+=1&%0A=2&a=3", {"a": "3"}, id="nothing but white space"),
        pytest.param("a=+1%0A", {"a": " 1\n"}, id="values stay as they are"),
        pytest.param("a=x&amp", {"a": "x", "amp": ""}, id="amp alone is a name"),
        pytest.param("example;b=2&AMP;b=3&amps;c=4", {"example;b": "2", "AMP;b": "3", "amps;c": "4"}, id="only amp;"),
        pytest.param("a.amp;b=1&c. d=2", {"a": {"amp;b": "1"}, "c": {" d": "2"}}, id="only in front of the whole name"),
        pytest.param(r"\amp;a=1", {"amp;a": "1"}, id="an escaped amp; stays"),
        pytest.param(r"amp;\amp;a=1", {"amp;a": "1"}, id="also behind another one"),
        pytest.param(r"\ a\ =1", {" a ": "1"}, id="escaped spaces stay"),
        pytest.param(r" \ a\  =1", {" a ": "1"}, id="and lose what is not escaped around them"),
        pytest.param("a%5C%5C =1", {"a\\": "1"}, id="an escaped backslash escapes no space"),
        pytest.param("%E2%80%8Ba=1", {"\u200ba": "1"}, id="what is invisible is no white space"),
    ],
)  # fmt: skip
def test_damage_around_names_has_one_meaning(query: str, expected: dict[str, Any]) -> None:
    assert parse_query(query, LIMITS) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param(["context=", "context.page.url=x"], {"context": {"page": {"url": "x"}}}, id="a blank parent"),
        pytest.param(["context", "context.page.url=x"], {"context": {"page": {"url": "x"}}}, id="a link cut off"),
        pytest.param(["a=+%0A", "a.b=x"], {"a": {"b": "x"}}, id="white space"),
        pytest.param(["a=", "a.b=", "a.b.c=x"], {"a": {"b": {"c": "x"}}}, id="two of them"),
        pytest.param(["a=", "a.b="], {"a": {"b": ""}}, id="and a blank child"),
        pytest.param(["a=", "a.0=x", "a.1=y"], {"a": ["x", "y"]}, id="of a list"),
        pytest.param(["a.0=", "a.0.b=x"], {"a": [{"b": "x"}]}, id="in a list"),
        pytest.param(["a=", "a.=x", "a..=y"], None, id="of a conflict"),
        pytest.param(["a=", "a.b=1", "a.b.c=2"], None, id="above a conflict"),
        pytest.param(["a=%00", "a.b=1"], None, id="U+FFFD is not blank"),
        pytest.param(["amp;a=", " a.b=1"], {"a": {"b": "1"}}, id="with damage around the names"),
        pytest.param([r"a\.b=", r"a\.b.c=x"], {"a.b": {"c": "x"}}, id="with an escape"),
    ],
)
def test_a_blank_value_above_others_counts_as_absent(params: list[str], expected: dict[str, Any] | None) -> None:
    for order in permutations(params):
        if expected is None:
            with pytest.raises(Rejected) as caught:
                parse_query("&".join(order), LIMITS)
            assert (caught.value.code, caught.value.rule) == ("bad-query", "conflict")
        else:
            assert parse_query("&".join(order), LIMITS) == expected


def test_of_a_repeated_parent_the_first_value_tells_whether_it_is_blank() -> None:
    assert parse_query("a=&a=x&a.b=1", LIMITS) == {"a": {"b": "1"}}
    with pytest.raises(Rejected):
        parse_query("a=x&a=&a.b=1", LIMITS)


def test_a_name_is_measured_without_its_damage() -> None:
    assert parse_query("amp;" * 100 + "abc" + "+" * 200 + "=1", Limits(key_chars=3)) == {"abc": "1"}


@pytest.mark.parametrize(
    "name", ["a.b", " a", "a ", "\ta\n", "amp;a", "amp;amp;", " ", "  ", "\\ ", "a\\ ", "amp", "a. .b", "\\amp;"]
)
def test_joining_escapes_what_would_be_repaired(name: str) -> None:
    assert repair_name(join_name([name])) == join_name([name])
    assert split_name(join_name([name]))[0] == [name]


PARTS = ["a", ".", "\\", " ", "\n", "amp;", "\u2003", "é"]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.sampled_from(PARTS), max_size=6).map("".join), min_size=1))
def test_any_name_comes_back_from_a_link(segments: list[str]) -> None:
    joined = join_name(segments)
    assert repair_name(joined) == joined
    assert split_name(joined)[0] == segments


def test_a_whole_mail_that_was_escaped_twice_and_broken_is_one_event(pixel: Pixel) -> None:
    clean = (
        "writeKey=k&userId=42&event=Email+Opened&context.campaign.name=spring&properties.items.0=a&properties.items.1=b"
    )
    expected = pixel.collected("/pixel/v1/track", f"{clean}&messageId=m")
    for joint in ("&amp;", "&amp;amp;", "&%0D%0A", "&%20", "&amp;%0A"):
        assert pixel.collected("/pixel/v1/track", f"{clean}&messageId=m".replace("&", joint)) == expected


def test_a_damaged_write_key_is_still_taken_out(pixel: Pixel) -> None:
    for name in ("amp;writeKey", " writeKey", "writeKey ", "%0Aamp;writeKey"):
        event = pixel.collected("/pixel/v1/track", f"event=e&userId=u&{name}=secret")
        assert "secret" not in str(event)
