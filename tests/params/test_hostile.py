"""Queries that are meant to hurt: deep, wide, huge, contradictory, or not text at all."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import pytest

from pixelmw import Limits
from tests.support.pixel import Pixel

BASE = "writeKey=k&anonymousId=a&event=e&messageId=m"
MEGABYTE = 1 << 20
PLAIN = (dict, list, str, int, float, bool, type(None))

Make = Callable[..., Pixel]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes wrapped applications; whatever was done to one, it must take the next good request."""
    made: list[Pixel] = []

    def make_one(**options: Any) -> Pixel:
        made.append(Pixel(**options))
        return made[-1]

    yield make_one
    for pixel in made:
        assert pixel.collected("/pixel/v1/track", BASE)["event"] == "e"


def peak(action: Callable[[], object]) -> int:
    """The bytes that *action* had in use at the same time, at most."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def assert_plain(value: Any) -> None:
    """Only what JSON knows, of exactly these types, and in text that strict encoders take."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        assert type(part) in PLAIN
        if isinstance(part, dict):
            assert all(type(key) is str for key in part)
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8", "strict")


@pytest.mark.parametrize(
    ("limits", "code", "rule"),
    [
        pytest.param(Limits(), "too-large", "key_chars", id="default limits"),
        pytest.param(Limits(key_chars=40000, depth=64), "bad-query", "depth", id="raised limits"),
    ],
)
def test_32_kilobytes_of_dots_are_refused_without_much_memory(make: Make, limits: Limits, code: str, rule: str) -> None:
    pixel = make(limits=limits)
    query = "a." * 16_383
    used = peak(lambda: pixel.refused(query))
    assert (pixel.refusals[-1].code, pixel.refusals[-1].rule) == (code, rule)
    assert used < 8 * MEGABYTE


def test_ten_thousand_parameters_are_too_large(make: Make) -> None:
    refusal = make().refused("&".join(f"{number:x}" for number in range(6_000)))
    assert (refusal.status, refusal.rule) == (414, "params")


def test_ten_thousand_parameters_are_accepted_where_the_user_says_so(make: Make) -> None:
    pixel = make(limits=Limits(query_bytes=MEGABYTE, params=10_000))
    names = [f"p{number}" for number in range(10_000 - 4)]
    event = pixel.collected("/pixel/v1/track", f"{BASE}&{'&'.join(names)}")
    assert event.keys() >= set(names)


@pytest.mark.parametrize("index", ["999999999", "18446744073709551616", "9" * 200, "-1", "1e9", "0x7fffffff"])
def test_no_list_is_sized_from_an_index(make: Make, index: str) -> None:
    pixel = make()
    used = peak(lambda: pixel.track(f"a.{index}=x&b.0=x&b.{index}=y"))
    assert pixel.events[-1]["a"] == {index: "x"}
    assert pixel.events[-1]["b"] == {"0": "x", index: "y"}
    assert used < 2 * MEGABYTE


def sized(limit: str, size: int) -> str:
    """A query that measures exactly *size* by *limit*, and is good otherwise."""
    if limit == "query_bytes":
        return f"{BASE}&x={'é'.encode().decode('latin-1')}".ljust(size, "x")
    if limit == "params":
        return "&".join([BASE, *(f"p{number}=" for number in range(size - BASE.count("&") - 1))])
    # A character may take six bytes of the query; it is one of the name.
    return f"{BASE}&{'%C3%A9' * size if limit == 'key_chars' else '.'.join('d' * size)}=x"


@pytest.mark.parametrize("limit", ["query_bytes", "params", "key_chars", "depth"])
@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(Limits(), id="default"),
        pytest.param(Limits(query_bytes=1000, params=20, key_chars=40, depth=3), id="lowered"),
        pytest.param(Limits(query_bytes=90_000, params=2000, key_chars=1000, depth=64), id="raised"),
    ],
)
def test_a_limit_is_the_last_size_that_is_accepted(make: Make, limits: Limits, limit: str) -> None:
    size = getattr(limits, limit)
    pixel = make(limits=limits)
    below, at = (pixel.get("/pixel/v1/track", sized(limit, n)).status_code for n in (size - 1, size))
    assert (below, at) == (200, 200)
    refusal = pixel.refused(sized(limit, size + 1))
    assert refusal.rule == limit
    assert refusal.status == (400 if limit == "depth" else 414)
    assert str(size) in refusal.message


DEEP = "a" + ".a" * 10
LONG = "n" * 257


@pytest.mark.parametrize(
    "params",
    [
        pytest.param(["a=1", "a.b=2"], id="value and object"),
        pytest.param(["a=1", "%61.b=2", "z=3"], id="percent-encoded"),
        pytest.param(["a=1", "a.b=2", "a.b.c=3"], id="three deep"),
        pytest.param(["a.b.c.d=1", "a.b=2", "a=3", "a.b.c=4"], id="four deep"),
        pytest.param(["a=1", "a.0=2", "a.1=3"], id="value and list"),
        pytest.param(["a.0=1", "a.0.b=2", "a.1=3"], id="inside a list"),
        pytest.param(["a\\.b=1", "a\\.b.c=2", "a.b.c=3"], id="escaped"),
        pytest.param(["a=1", "a.=2", "a..=3"], id="empty segments"),
        pytest.param(["b=1", "b.x=2", "a=3", "a.x=4"], id="two conflicts"),
        pytest.param(["a=1", "a.b=2", f"{DEEP}=3"], id="conflict and depth"),
        pytest.param([f"b.{DEEP}=1", f"{DEEP}=2", f"{DEEP}.a=3"], id="three too deep"),
        pytest.param([f"b{LONG}=1", f"{LONG}=2", f"{DEEP}=3", "a=1"], id="two too long"),
        pytest.param(["writeKey=k", "writeKey.x=1", "event=e"], id="the write key"),
        pytest.param(["context=1", "context.page.url=2"], id="the context"),
    ],
)
def test_a_conflict_is_told_alike_in_every_order(make: Make, params: list[str]) -> None:
    pixel = make()
    refusals = [pixel.refused("&".join(order)) for order in permutations(params)]
    assert {refusal.code for refusal in refusals} < {"bad-query", "too-large"}
    assert len({(refusal.code, refusal.path, refusal.rule, refusal.message) for refusal in refusals}) == 1


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param(["a.0=x", "a.b=y"], {"0": "x", "b": "y"}, id="an index and a name"),
        pytest.param(["a.0=x", "a.1=y", "a.2=z"], ["x", "y", "z"], id="a full list"),
        pytest.param(["a.0=x", "a.2=z"], {"0": "x", "2": "z"}, id="a list with a hole"),
        pytest.param(["a.0=x", "a.\\1=y"], {"0": "x", "1": "y"}, id="an escaped index"),
        pytest.param(["a.0=x", "a.01=y"], {"0": "x", "01": "y"}, id="a leading zero"),
        pytest.param(["a.0.0=x", "a.0.1=y", "a.1.b=z"], [["x", "y"], {"b": "z"}], id="lists of lists"),
        pytest.param(["a.%D9%A0=x", "a.%EF%BC%91=y"], {"\u0660": "x", "\uff11": "y"}, id="digits of other scripts"),
    ],
)
def test_lists_come_out_alike_in_every_order(make: Make, params: list[str], expected: Any) -> None:
    pixel = make()
    assert all(pixel.track("&".join(order))["a"] == expected for order in permutations(params))


@pytest.mark.parametrize(
    "name",
    [
        "__proto__.polluted",
        "%5F%5Fproto%5F%5F.polluted",
        "constructor.prototype.polluted",
        "__class__.__init__.__globals__.polluted",
        "__init__",
        "properties.__dict__.polluted",
        "properties.__class__.__mro__.x",
        "keys",
        "items.update",
        "properties.__len__",
    ],
)
def test_a_name_that_is_special_elsewhere_is_a_plain_key(make: Make, name: str) -> None:
    event = make().track(f"{name}=x")
    assert_plain(event)
    value: Any = event
    for segment in name.replace("%5F", "_").split("."):
        value = value[segment]
    assert value == "x"
    assert not hasattr({}, "polluted")


NOT_TEXT = [
    pytest.param("%00", "\ufffd", id="NUL"),
    pytest.param("\0", "\ufffd", id="raw NUL"),
    pytest.param("%FF%FE", "\ufffd\ufffd", id="no UTF-8"),
    pytest.param("\xff", "\ufffd", id="raw byte"),
    pytest.param("%ED%A0%80", "\ufffd\ufffd\ufffd", id="lone surrogate"),
    pytest.param("%ED%A0%BD%ED%B8%80", "\ufffd" * 6, id="surrogate pair"),
    pytest.param("%C0%AF", "\ufffd\ufffd", id="overlong slash"),
    pytest.param("%F4%90%80%80", "\ufffd" * 4, id="past the last code point"),
    pytest.param("%E0%A4%A", "\ufffd%A", id="cut short"),
    pytest.param("%zz%", "%zz%", id="malformed"),
    pytest.param("%u0041", "%u0041", id="the escape of old browsers"),
    pytest.param("%2541", "%41", id="encoded twice"),
    pytest.param("\xc3\xa9 %C3%A9", "é é", id="raw and encoded"),
    pytest.param("%F0%9F%98%81", "\U0001f601", id="emoji"),
    pytest.param("%0D%0A%1B%85%E2%80%AE", "\r\n\x1b\ufffd\u202e", id="controls"),
    pytest.param("{0.__class__}%s${x}", "{0.__class__}%s${x}", id="format strings"),
]


@pytest.mark.parametrize(("raw", "text"), NOT_TEXT)
def test_any_bytes_in_a_value_become_text(make: Make, raw: str, text: str) -> None:
    event = make().track(f"a={raw}")
    assert event["a"] == text
    assert_plain(event)


@pytest.mark.parametrize(("raw", "text"), [row for row in NOT_TEXT if row.id != "format strings"])
def test_any_bytes_in_a_name_become_text(make: Make, raw: str, text: str) -> None:
    event = make().track(f"n{raw}=a")
    assert event[f"n{text}"] == "a"
    assert_plain(event)
