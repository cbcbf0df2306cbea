"""What holds for every request and every query, tried on those that hypothesis makes up."""

from __future__ import annotations

import json
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixelmw import Limits, Rejected
from pixelmw.params import parse_query
from tests.support.pixel import Pixel
from tests.support.reference_query import RefusedQuery, parsed

PATHS = ("/pixel/v1/page", "/pixel/v1/track")
WIDE = Limits(query_bytes=1 << 20, params=5000, key_chars=10_000, depth=64)
# None of them depends on chance or on the speed of the machine.
tried = settings(derandomize=True, deadline=None, max_examples=150)

# What a query is made of, so that names meet, nest and conflict, and escapes are cut short.
_TOKENS = [*b"ab.01&=+\\%;[\xc3\xff\0 ", b"%41", b"%2e", b"%5C", b"%26", b"%3D", b"%C3%A9", b"%00", b"%zz", b"\xc3\xa9"]
_TOKENS = [bytes([token]) if isinstance(token, int) else token for token in _TOKENS]
_TOKENS += [b"a.0=", b"a.1=", b"a.2=", b"&a", b"&b.", b"context.", b"properties.", b"event=", b"name", b"&userId="]
_TOKENS += [b"&amp;", b"&+a", b"amp;", b"%0A", b"\\ ", b"&a=&a."]
queries = st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(_TOKENS), max_size=40).map(b"".join))


def assert_stored_whole(event: Any) -> None:
    """*event* is plain JSON, and strict encoders take it."""
    waiting = [event]
    while waiting:
        part = waiting.pop()
        assert type(part) in (dict, list, str, int, float, bool, type(None))
        if isinstance(part, dict):
            assert all(type(key) is str for key in part)
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    json.dumps(event, allow_nan=False, ensure_ascii=False).encode("utf-8", "strict")


def answered(pixel: Pixel, path: str, query: bytes, **environ: str) -> int:
    """The status of a request. Either the sink or ``on_reject`` was called, and once."""
    pixel.events.clear()
    pixel.refusals.clear()
    status = pixel.get(path, query.decode("latin-1"), environ=environ).status_code
    assert (len(pixel.events), len(pixel.refusals)) == ((1, 0) if status == 200 else (0, 1))
    for event in pixel.events:
        assert_stored_whole(event)
    return status


@pytest.mark.parametrize("path", PATHS)
@tried
@given(queries, st.sampled_from([b"", b"writeKey=k&anonymousId=a&event=e&"]))
def test_any_query_gets_an_answer_of_the_contract(path: str, query: bytes, start: bytes) -> None:
    assert answered(Pixel(), path, start + query) in (200, 400, 401, 414)


@settings(tried, max_examples=50)  # of 40 KB, one takes 35 ms
@given(st.integers(0, 2**32), st.integers(0, 40_960), st.sampled_from([255, 127, 47]))
def test_long_random_bytes_get_an_answer_of_the_contract(seed: int, size: int, highest: int) -> None:
    """Few different bytes make many parameters, many make few."""
    query = bytes(byte % (highest + 1) for byte in Random(seed).randbytes(size))
    assert answered(Pixel(limits=WIDE), PATHS[seed % 2], b"writeKey=k&userId=u&event=e&" + query) in (200, 400)
    assert answered(Pixel(), PATHS[seed % 2], query) in (400, 401, 414)


_header_parts = [*",;=*\"'\\-/ \t\r\n\0", "en", "de-CH", "q=", "0.5", "1", "nan", "inf", "-1", "text/plain", "image/"]
headers = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=60),
    st.lists(st.sampled_from(_header_parts), max_size=25).map("".join),
)


@pytest.mark.parametrize("reply", ["auto", "gif"])
@tried
@given(headers, headers, headers, headers)
def test_no_header_is_too_strange(reply: str, accept: str, language: str, agent: str, referer: str) -> None:
    strange = {"HTTP_ACCEPT": accept, "HTTP_ACCEPT_LANGUAGE": language}
    strange |= {"HTTP_USER_AGENT": agent, "HTTP_REFERER": referer}
    pixel = Pixel(reply=reply)
    assert answered(pixel, PATHS[0], b"writeKey=k&anonymousId=a", **strange) == 200
    assert answered(pixel, PATHS[1], b"", **strange) == 401


names = st.lists(
    st.sampled_from(["a", "b", "0", "1", "2", "", "context", "properties", "value"]), min_size=1, max_size=4
)
distinct = st.lists(names.map(tuple), min_size=1, max_size=6, unique=True)


@tried
@given(distinct.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))), st.sampled_from(PATHS))
def test_the_order_of_parameters_changes_nothing(orders: tuple[list[Any], list[Any]], path: str) -> None:
    results: list[Any] = []
    for order in orders:
        pairs = [f"{'.'.join(name)}={'.'.join(name)}" for name in order]
        pixel = Pixel()
        pixel.get(path, "&".join([*pairs, "writeKey=k&anonymousId=a&event=e&messageId=m"]))
        results.append(pixel.events or [(told.code, told.path, told.rule) for told in pixel.refusals])
    assert results[0] == results[1]


@settings(tried, max_examples=600)
@given(queries)
def test_the_parser_does_what_the_rules_say(query: bytes) -> None:
    try:
        expected = parsed(query, WIDE)
    except RefusedQuery:
        with pytest.raises(Rejected, match=r"segments|has a value"):
            parse_query(query.decode("latin-1"), WIDE)
    else:
        assert parse_query(query.decode("latin-1"), WIDE) == expected


BACKSLASH = chr(92)
_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
_keys = st.one_of(
    _text, st.sampled_from(["0", "1", "a.b", "a\\", "\\", ".", "", " ", " a ", "amp;a", "amp;", "\\ ", "a\\ "])
)
_leaves = st.recursive(
    _text,
    lambda inner: st.one_of(st.dictionaries(_keys, inner, min_size=1), st.lists(inner, min_size=1)),
    max_leaves=15,
)


def encoded(value: Any, name: str = "", before: str = "") -> list[str]:
    """The parameters that stand for *value*; a key that could pass for an index, or for damage, is escaped."""
    if isinstance(value, str):
        return [f"{quote(name, safe='')}={quote(value, safe='')}"]
    if isinstance(value, list):
        return [pair for at, item in enumerate(value) for pair in encoded(item, f"{name}{before}{at}", ".")]
    found = []
    for key, item in value.items():
        safe = key.replace("\\", "\\\\").replace(".", "\\.")
        if safe[-1:].isspace():
            safe = f"{safe[:-1]}{BACKSLASH}{safe[-1]}"
        if safe.isdigit() or safe[:1].isspace() or safe.startswith("amp;"):
            safe = BACKSLASH + safe
        found += encoded(item, f"{name}{before}{safe}", ".")
    return found


@settings(tried, max_examples=60)  # a tree and all its spellings take 30 ms to make up
@given(st.dictionaries(_keys.filter(bool), _leaves), st.integers(0, 2**32))
def test_what_is_written_as_a_query_is_read_back(event: dict[str, Any], seed: int) -> None:
    pairs = encoded(event)
    Random(seed).shuffle(pairs)
    assert parse_query("&".join(pairs), WIDE) == event
