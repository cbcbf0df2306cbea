"""Query string to nested data: rule 1 of the contract (bytes and pairs) and rule 2 (names)."""

from __future__ import annotations

from typing import Any

import pytest

from pixelmw import Limits, Rejected
from pixelmw.access import mask_write_key
from pixelmw.params import join_name, parse_query, split_name

LIMITS = Limits()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("a=1&b=2", {"a": "1", "b": "2"}, id="two pairs"),
        pytest.param("a=1;b=2", {"a": "1;b=2"}, id="a semicolon separates nothing"),
        pytest.param("a=b+c&d+e=1", {"a": "b c", "d e": "1"}, id="plus is a space"),
        pytest.param("a=%2B%20%26", {"a": "+ &"}, id="escapes"),
        pytest.param("a=x=y", {"a": "x=y"}, id="the first equals sign counts"),
        pytest.param("a=&b", {"a": "", "b": ""}, id="blank values and bare keys are kept"),
        pytest.param("&&a=1&", {"a": "1"}, id="empty pairs are skipped"),
        pytest.param("=x&a=1", {"a": "1"}, id="an empty key is skipped"),
        pytest.param("a=%zz&b=%&c=%4&d=%e", {"a": "%zz", "b": "%", "c": "%4", "d": "%e"}, id="malformed percent"),
        pytest.param("a=%C3%A9&%C3%A9=b", {"a": "é", "é": "b"}, id="escaped UTF-8"),
        pytest.param("a=Ã©", {"a": "é"}, id="raw UTF-8, as WSGI has it"),
        pytest.param("a=Ã%A9", {"a": "é"}, id="a character half raw and half escaped"),
        pytest.param("a=%FF%FE", {"a": "\ufffd\ufffd"}, id="not UTF-8"),
        pytest.param("a=%ED%A0%80", {"a": "\ufffd\ufffd\ufffd"}, id="a surrogate in UTF-8"),
        pytest.param("a=x%00y&b%00=1", {"a": "x\ufffdy", "b\ufffd": "1"}, id="NUL"),
        pytest.param("a=Email Opened", {"a": "Email Opened"}, id="a raw space"),
        pytest.param("a=1&a=2&a=3", {"a": "1"}, id="the first of repeated keys wins"),
        pytest.param("a=&a=2", {"a": ""}, id="also where it is blank"),
        pytest.param("a=€", {"a": "€"}, id="a server that has decoded already"),
    ],
)
def test_a_query_string_is_read_as_rule_1_says(query: str, expected: dict[str, Any]) -> None:
    assert parse_query(query, LIMITS) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("a.b.c=1&a.b.d=2", {"a": {"b": {"c": "1", "d": "2"}}}, id="dots nest"),
        pytest.param("a%2Eb=1", {"a": {"b": "1"}}, id="an escaped dot is a dot"),
        pytest.param(r"a\.b=1", {"a.b": "1"}, id="a backslash makes a dot literal"),
        pytest.param(r"a\\.b=1", {"a\\": {"b": "1"}}, id="and a backslash"),
        pytest.param(r"\a\b=1", {"ab": "1"}, id="and anything else"),
        pytest.param("a%5C.b=1", {"a.b": "1"}, id="an escaped backslash is a backslash"),
        pytest.param("a\\=1", {"a": "1"}, id="a backslash at the end is dropped"),
        pytest.param("*=1&a?=2&b#=3&c|=4&@d=5&e[0]=6&:f=7", None, id="other characters are ordinary"),
        pytest.param("a.=1", {"a": {"": "1"}}, id="an empty last segment"),
        pytest.param("a..b=1", {"a": {"": {"b": "1"}}}, id="an empty middle segment"),
        pytest.param(".=1&.a=2", {"": {"": "1", "a": "2"}}, id="empty first segments"),
        pytest.param("a.0=x", {"a": ["x"]}, id="a list of one"),
        pytest.param("a.1=y&a.0=x", {"a": ["x", "y"]}, id="a list in any order"),
        pytest.param("a.0.b=x&a.1.b=y", {"a": [{"b": "x"}, {"b": "y"}]}, id="a list of objects"),
        pytest.param("a.0.0=x&a.0.1=y", {"a": [["x", "y"]]}, id="a list of lists"),
        pytest.param("&".join(f"a.{n}={n}" for n in range(11)), {"a": [str(n) for n in range(11)]}, id="eleven items"),
        pytest.param("a.1=x", {"a": {"1": "x"}}, id="a gap at the start makes an object"),
        pytest.param("a.0=x&a.2=y", {"a": {"0": "x", "2": "y"}}, id="a gap in the middle makes an object"),
        pytest.param("a.0=x&a.b=y", {"a": {"0": "x", "b": "y"}}, id="another name makes an object"),
        pytest.param("a.0=x&a.=y", {"a": {"0": "x", "": "y"}}, id="an empty name makes an object"),
        pytest.param("a.00=x", {"a": {"00": "x"}}, id="a leading zero makes an object"),
        pytest.param("a.-1=x", {"a": {"-1": "x"}}, id="a sign makes an object"),
        pytest.param("a.%D9%A0=x", {"a": {"\u0660": "x"}}, id="other digits make an object"),
        pytest.param(r"a.\0=x", {"a": {"0": "x"}}, id="an escaped index makes an object"),
        pytest.param(r"a.0=x&a.\1=y", {"a": {"0": "x", "1": "y"}}, id="one escaped index is enough"),
        pytest.param(r"a.0=x&a.\0=y", {"a": {"0": "x"}}, id="one index spelled both ways"),
        pytest.param(r"a.\0.0=x", {"a": {"0": ["x"]}}, id="an escape speaks for its own node only"),
        pytest.param(r"a.0.b\.c=x", {"a": [{"b.c": "x"}]}, id="and not for those above"),
        pytest.param(r"a\.b.0=x", {"a.b": ["x"]}, id="nor for those below"),
        pytest.param("0=x", {"0": "x"}, id="the root is never a list"),
        pytest.param("a.999999999=x", {"a": {"999999999": "x"}}, id="no list is sized from an index"),
    ],
)
def test_names_nest_as_rule_2_says(query: str, expected: dict[str, Any] | None) -> None:
    if expected is None:
        expected = {"*": "1", "a?": "2", "b#": "3", "c|": "4", "@d": "5", "e[0]": "6", ":f": "7"}
    assert parse_query(query, LIMITS) == expected


@pytest.mark.parametrize("order", ["{0}&{1}", "{1}&{0}", "x=1&{1}&y.z=2&{0}"], ids=["down", "up", "in company"])
@pytest.mark.parametrize(
    ("parent", "child", "path"),
    [
        pytest.param("a=1", "a.b=2", "a", id="value and object"),
        pytest.param("a=1", "a.0=2", "a", id="value and list"),
        pytest.param("a.b=1", "a.b.c.d=2", "a.b", id="further down"),
        pytest.param("a=1", "a.=2", "a", id="value and empty segment"),
        pytest.param(r"a\.b=1", r"a\.b.c=2", r"a\.b", id="with an escape"),
    ],
)
def test_a_value_that_is_also_a_parent_is_a_conflict_in_any_order(
    order: str, parent: str, child: str, path: str
) -> None:
    with pytest.raises(Rejected) as caught:
        parse_query(order.format(parent, child), LIMITS)
    assert (caught.value.code, caught.value.path, caught.value.rule) == ("bad-query", path, "conflict")


def test_a_value_that_looks_like_its_neighbour_is_no_conflict() -> None:
    assert parse_query("a=1&ab.c=2&a0=3", LIMITS) == {"a": "1", "ab": {"c": "2"}, "a0": "3"}


@pytest.mark.parametrize(
    ("limits", "query", "code", "rule", "path"),
    [
        pytest.param(Limits(query_bytes=5), "abc=12", "too-large", "query_bytes", None, id="bytes"),
        pytest.param(Limits(params=2), "a=1&b=2&c=3", "too-large", "params", None, id="parameters"),
        pytest.param(Limits(params=2), "a=1&a=2&a=3", "too-large", "params", None, id="repeated parameters"),
        pytest.param(Limits(key_chars=3), "abc=1&abcd=2", "too-large", "key_chars", "abcd", id="a long name"),
        pytest.param(Limits(depth=3), "a.b.c=1&d.e.f.g=2", "bad-query", "depth", "d.e.f.g", id="a deep name"),
    ],
)
def test_past_a_limit_a_request_is_refused_with_the_limit_named(
    limits: Limits, query: str, code: str, rule: str, path: str | None
) -> None:
    with pytest.raises(Rejected) as caught:
        parse_query(query, limits)
    assert (caught.value.code, caught.value.rule, caught.value.path) == (code, rule, path)
    assert str(getattr(limits, rule)) in caught.value.message


@pytest.mark.parametrize(
    ("limits", "query"),
    [
        pytest.param(Limits(query_bytes=6), "abc=12", id="bytes"),
        pytest.param(Limits(query_bytes=5), "a=Ã©b", id="bytes that are one character"),
        pytest.param(Limits(params=2), "&&a=1&=x&&b=2&", id="parameters, not empty pairs"),
        pytest.param(Limits(key_chars=3), "%C3%A9%C3%A9%C3%A9=1", id="a long name, counted in characters"),
        pytest.param(Limits(depth=3), "a.b.c=1", id="a deep name"),
    ],
)
def test_at_a_limit_a_request_is_accepted(limits: Limits, query: str) -> None:
    assert parse_query(query, limits)


@pytest.mark.parametrize("name", ["query_bytes", "params", "key_chars", "depth"])
@pytest.mark.parametrize(
    ("value", "error"), [(0, ValueError), (-1, ValueError), ("9", TypeError), (1.5, TypeError), (True, TypeError)]
)
def test_a_limit_that_cannot_be_is_told_at_construction(name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"Limits.{name} "):
        Limits(**{name: value})


def test_a_depth_that_could_exhaust_the_stack_is_told_at_construction() -> None:
    assert Limits(depth=64).depth == 64
    with pytest.raises(ValueError, match="at most 64"):
        Limits(depth=65)


@pytest.mark.parametrize("name", ["a", "a.b", r"a\.b.c\\", "", "..", "a. .b"])
def test_a_name_survives_being_split_and_joined(name: str) -> None:
    assert join_name(split_name(name)[0]) == name


@pytest.mark.parametrize(
    ("query", "masked"),
    [
        ("a=1&writeKey=s3cret&b=2", "a=1&writeKey=***&b=2"),
        ("writeKey=s3cret&writeKey=s3cret", "writeKey=***&writeKey=***"),
        ("WRITEKEY=s3cret", "WRITEKEY=***"),
        ("write%4Bey=s3cret", "write%4Bey=***"),
        (r"write\Key=s3cret", r"write\Key=***"),
        ("writeKey.0=s3cret", "writeKey.0=***"),
        ("amp;writeKey=s3cret", "amp;writeKey=***"),
        ("writeKey%3Ds3cret", "writeKey=***"),
        ("writeKey", "writeKey"),
        ("monkey=1&100%=2&key=3", "monkey=1&100%=2&key=3"),
    ],
)
def test_a_write_key_is_masked_wherever_it_may_stand(query: str, masked: str) -> None:
    assert mask_write_key(query) == masked
