"""Segment's form of a pixel: one parameter with a whole event as JSON in base64."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from pixelmw import PATHS, SEGMENT_PATHS, Event, Limits
from tests.support.pixel import Pixel

TRACK = "/pixel/v1/track"
HEAD = '"userId": "u", "event": "e", "writeKey": "k"'
EVENT = {"writeKey": "k", "userId": "025pikachu025", "event": "Email Opened", "properties": {"campaign": 1, "ok": True}}


def encoded(event: Any, **options: Any) -> str:
    """*event* as the value of ``data``."""
    text = event if isinstance(event, str) else json.dumps(event, **options)
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()


def data(event: Any, **options: Any) -> str:
    return "data=" + quote(encoded(event, **options), safe="")


def plain(query: str, pixel: Pixel | None = None) -> Event:
    return (pixel or Pixel()).collected(TRACK, query)


def test_the_event_is_that_of_the_data() -> None:
    event = plain(data(EVENT))
    assert (event["userId"], event["event"]) == ("025pikachu025", "Email Opened")
    assert event["properties"] == {"campaign": 1, "ok": True}
    assert "data" not in event
    assert "writeKey" not in event


# In standard base64 this has both a plus and a slash, and needs padding.
AWKWARD = {"userId": "u", "event": "e", "writeKey": "k", "x": "~~~???>>>"}


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(lambda text: quote(text, safe=""), id="escaped"),
        pytest.param(lambda text: text, id="raw, where a plus is a space"),
        pytest.param(lambda text: text.rstrip("="), id="not padded"),
        pytest.param(lambda text: quote(text.rstrip("="), safe=""), id="escaped and not padded"),
        pytest.param(lambda text: text.replace("+", "-").replace("/", "_"), id="the alphabet for URLs"),
        pytest.param(lambda text: text.replace("+", "-").replace("/", "_").rstrip("="), id="the same, not padded"),
    ],
)
def test_base64_is_read_in_each_of_its_spellings(spelled: Any) -> None:
    text = encoded(AWKWARD)
    assert "+" in text
    assert "/" in text
    assert text.endswith("=")
    assert plain(f"data={spelled(text)}")["x"] == AWKWARD["x"]


@pytest.mark.parametrize("name", ["data", "%64ata", "amp;data", " data "])
def test_the_name_may_be_spelled_as_any_other(name: str) -> None:
    assert plain(f"x=1&{name}={quote(encoded(EVENT))}")["userId"] == "025pikachu025"


def test_of_what_stands_beside_it_only_the_write_key_counts() -> None:
    pixel = Pixel(write_keys={"outer": "o", "k": "i"})
    event = plain(f"{data(EVENT)}&event=other&messageId=m&context.locale=xx&properties.y=1&x=1", pixel)
    assert event["event"] == "Email Opened"
    assert "x" not in event
    assert event["properties"] == {"campaign": 1, "ok": True}
    assert event["messageId"] != "m"
    assert event["context"]["source"] == "i"
    assert plain(f"{data(EVENT)}&writeKey=outer", pixel)["context"]["source"] == "o"
    assert plain(f"writeKey=+&{data(EVENT)}", pixel)["context"]["source"] == "i"
    assert pixel.refused(f"{data(EVENT)}&writeKey=wrong").code == "unauthorized"
    assert pixel.refused(data({**EVENT, "writeKey": ["k"]})).code == "unauthorized"


@pytest.mark.parametrize("beside", ["userId=u", "anonymousId=a", "userId.x=u"])
def test_beside_an_id_it_is_an_ordinary_parameter(beside: str) -> None:
    pixel = Pixel(schemas={"track": {}})
    event = plain(f"writeKey=k&event=e&{data(EVENT)}&{beside}", pixel)
    assert (event["data"], event["event"]) == (encoded(EVENT), "e")


@pytest.mark.parametrize("beside", ["userId=", "anonymousId=undefined", "userId={{id}}", "userId=+"])
def test_an_id_beside_it_that_says_nothing_counts_as_absent(beside: str) -> None:
    assert plain(f"{beside}&{data(EVENT)}")["userId"] == "025pikachu025"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("hello", id="no base64 of JSON"),
        pytest.param("", id="blank"),
        pytest.param("!" + encoded(EVENT), id="another character"),
        pytest.param(encoded(EVENT)[:-5], id="cut off"),
        pytest.param("A" * 5, id="a length that base64 cannot have"),
        pytest.param(encoded("[1]"), id="a list"),
        pytest.param(encoded('"text"'), id="a text"),
        pytest.param(encoded("1"), id="a number"),
        pytest.param(encoded("[" * 20_000), id="a list without end"),
        pytest.param(encoded('{"userId": "u", "event": "e", "n": NaN}'), id="NaN"),
        pytest.param(encoded('{"userId": "u", "event": "e", "n": -Infinity}'), id="infinite"),
        pytest.param(encoded('{"userId": "u", "event": "e",}'), id="a comma too many"),
        pytest.param(encoded("{'userId': 'u'}"), id="Python's quotes"),
        pytest.param(encoded('{"userId": "u"} x'), id="something behind it"),
    ],
)
def test_any_other_data_is_an_ordinary_parameter(value: str) -> None:
    pixel = Pixel(schemas={"track": {}})
    event = plain(f"writeKey=k&event=e&data={quote(value, safe='')}", pixel)
    assert (event["data"], event["event"]) == (value, "e")
    assert "userId" not in event


def test_a_nested_data_is_an_ordinary_parameter() -> None:
    event = plain(f"writeKey=k&userId=u&event=e&data.x={encoded(EVENT)}")
    assert event["data"] == {"x": encoded(EVENT)}


def test_names_are_literal_and_values_keep_their_types() -> None:
    inside = {
        "a.b": 1, "a\\": "x", " spaced ": "y", "amp;z": "z", "": "empty", "0": [1.5, True, None, {"1": "t"}],
        "list": [], "object": {}, "n": None, "big": 2**53 + 1, "undefined": "undefined",
    }  # fmt: skip
    event = plain(data({**EVENT, **inside}))
    assert {name: event[name] for name in inside} == inside


def test_text_is_cleaned_as_that_of_a_query_is() -> None:
    text = f'{{{HEAD}, "n\\u0000": "\\ud800x", "l": [["\\u0000"]], "o": "\\ud83d\\ude00"}}'
    event = plain(data(text))
    assert (event["n\ufffd"], event["l"], event["o"]) == ("\ufffdx", [["\ufffd"]], "\U0001f600")
    raw = b'{"userId": "u", "event": "e", "writeKey": "k", "x": "\xff\xc3\xa9"}'
    assert plain("data=" + quote(base64.b64encode(raw), safe=""))["x"] == "\ufffdé"
    assert plain("data=" + quote(base64.b64encode(b"\xef\xbb\xbf" + raw), safe=""))["x"] == "\ufffdé"


def test_the_first_of_a_repeated_name_wins() -> None:
    text = f'{{{HEAD}, "x": 1, "x": 2, "y\\u0000": 1, "y\\ufffd": 2, "o": {{"z": 1, "z": 2}}}}'
    event = plain(data(text))
    assert (event["x"], event["y\ufffd"], event["o"]) == (1, 1, {"z": 1})


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("1e999", "1e999"),
        ("-1e999", "-1e999"),
        ("1" + "0" * 400, "1" + "0" * 400),
        ("9" * 5000, "9" * 5000),
        ("1" + "0" * 308, 10**308),
        ("1e308", 1e308),
        ("1e-999", 0.0),
        ("-0", 0),
        ("1.50", 1.5),
    ],
)
def test_a_number_that_no_double_holds_stays_text(number: str, value: Any) -> None:
    event = plain(data(f'{{"userId": "u", "event": "e", "writeKey": "k", "x": {number}}}'))
    assert repr(event["x"]) == repr(value)


def test_the_server_owns_what_it_owns_and_ids_are_cleaned() -> None:
    inside = {
        **EVENT,
        "type": "page",
        "integrations": {},
        "receivedAt": "x",
        "messageId": "{{id}}",
        "anonymousId": None,
    }
    event = plain(data({**inside, "context": {"ip": "6.6.6.6", "source": "x"}, "properties": None, "channel": None}))
    assert (event["type"], event["integrations"], event["messageId"]) == ("track", {"All": True}, "id-1")
    assert event["context"] == {"ip": "127.0.0.1"}
    assert "anonymousId" not in event
    assert "properties" not in event
    assert event["channel"] == "web"


@pytest.mark.parametrize("name", ["context", "properties", "traits"])
@pytest.mark.parametrize("value", ["text", 1, 0, False, [], ["x"]], ids=repr)
def test_what_must_be_an_object_is_judged_inside_too(name: str, value: Any) -> None:
    refusal = Pixel().refused(data({**EVENT, name: value}))
    assert (refusal.code, refusal.path, refusal.rule) == ("invalid", name, "type")


NESTED: dict[str, Any] = {"a": 1}
for _ in range(9):
    NESTED = {"a": NESTED}


@pytest.mark.parametrize(
    ("inside", "code", "rule", "path"),
    [
        pytest.param({"n" * 257: 1}, "too-large", "key_chars", "n" * 257, id="a long name"),
        pytest.param({"n" * 128: {"m" * 128: 1}}, "too-large", "key_chars", f"{'n' * 128}.{'m' * 128}", id="as dotted"),
        pytest.param({"a": NESTED}, "bad-query", "depth", ".".join("a" * 11), id="too deep"),
        pytest.param({"a": [[[[[[[[[[1]]]]]]]]]]}, "bad-query", "depth", "a" + ".0" * 10, id="too deep in lists"),
        pytest.param({"a": [1] * 254}, "too-large", "params", "data", id="too many values"),
        pytest.param({"a": [{}] * 254}, "too-large", "params", "data", id="too many empty objects"),
        pytest.param({f"x{n}": n for n in range(254)}, "too-large", "params", "data", id="too many names"),
    ],
)
def test_the_limits_hold_inside(inside: dict[str, Any], code: str, rule: str, path: str) -> None:
    refusal = Pixel().refused(data({**EVENT, "properties": None} | inside))
    assert (refusal.code, refusal.rule, refusal.path) == (code, rule, path)
    assert len(refusal.message) < 200


def test_at_the_limits_it_is_accepted() -> None:
    pixel = Pixel()
    assert plain(data({**EVENT, "n" * 256: 1, "b": NESTED["a"]}), pixel)["b"] == NESTED["a"]
    assert len(plain(data({**EVENT, "a": [1] * (256 - 5)}), pixel)["a"]) == 251


@pytest.mark.parametrize("limits", [Limits(), Limits(query_bytes=1 << 20, depth=64)], ids=["default", "raised"])
@pytest.mark.parametrize("opening", ['{"a":', '{"a":[[', '{"a":[{"b":'])
def test_nested_past_what_can_be_read_is_a_bad_query(opening: str, limits: Limits) -> None:
    closing = opening.replace('"a":', "").replace('"b":', "")[::-1].translate(str.maketrans("[{", "]}"))
    pixel = Pixel(limits=limits)
    for depth in (70, 900, (limits.query_bytes - 100) * 3 // 4 // len(opening + closing)):
        refusal = pixel.refused(f"writeKey=k&data={quote(encoded(opening * depth + '1' + closing * depth))}")
        assert (refusal.code, refusal.rule) == ("bad-query", "depth")


def test_no_evidence_shows_any_of_the_data() -> None:
    pixel = Pixel(write_keys={"other"})
    for name in ("data", "amp;data", "%64ata", "signed"):
        refusal = pixel.refused(f"a=1&{name}={quote(encoded(EVENT))}&b=2")
        assert refusal.query == f"a=1&{name}=***&b=2"
    cut = encoded(EVENT)[:-7]
    assert cut not in pixel.refused(f"data={cut}").query
    assert cut not in pixel.refused(f"data%3D{cut}").query


def test_segments_paths_are_all_six_and_mounted_where_one_says_so() -> None:
    names = ("page", "track", "identify", "group", "alias", "screen")
    assert dict(SEGMENT_PATHS) == {f"/v1/pixel/{name}": name for name in names}
    pixel = Pixel(paths=PATHS | SEGMENT_PATHS)
    inside = {"name": "n", "groupId": "g", "previousId": "p"}
    for path, name in (PATHS | SEGMENT_PATHS).items():
        assert pixel.collected(path, data(EVENT | inside))["type"] == name
    assert Pixel().get("/v1/pixel/track", data(EVENT)).text == "the host application"
