"""What users' enrichers leave in an event must be JSON: else no sink gets it, and the log names the place."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import json
import sys
import uuid
from typing import Any

import pytest
from markupsafe import Markup
from werkzeug.datastructures import ImmutableDict
from werkzeug.local import LocalProxy

from pixelmw import Event
from pixelmw.enrich import client_context
from pixelmw.sinks import Undeliverable
from pixelmw.sinks.encoding import encode
from tests.support.pixel import Pixel

GOOD = "writeKey=k&anonymousId=a&event=e"


class Number(enum.IntEnum):
    ONE = 1


class Colour(enum.StrEnum):
    RED = "red"


class Ratio(float):
    pass


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def holding_itself() -> dict[str, Any]:
    value: dict[str, Any] = {"a": 1}
    value["again"] = [value, value]
    return value


NOT_JSON: dict[str, tuple[Any, str]] = {
    "NaN": (float("nan"), "NaN or infinite"),
    "infinity": (float("-inf"), "NaN or infinite"),
    "a subclass of float that is NaN": (Ratio("nan"), "NaN or infinite"),
    "a Decimal": (decimal.Decimal("9.99"), "is a Decimal"),
    "a complex number": (1j, "is a complex"),
    "a date": (datetime.date(2026, 1, 1), "is a date"),
    "a UUID": (uuid.UUID(int=0), "is a UUID"),
    "bytes": (b"bytes", "is a bytes"),
    "a set": ({"a"}, "is a set"),
    "a tuple": (("a",), "is a tuple"),
    "a generator": ((letter for letter in "ab"), "is a generator"),
    "an object": (object(), "is a object"),
    "a proxy of a text": (LocalProxy(lambda: "text"), "is a LocalProxy"),
    "half of a surrogate pair": ("\ud83d", "half of a surrogate pair"),
    "a name with half of a pair": ({"\udc00": 1}, "a name with half of a surrogate pair"),
    "a number for a name": ({1: "one"}, "a name that is a int"),
    "None for a name": ({None: "one"}, "a name that is a NoneType"),
    "True for a name": ({True: "one"}, "a name that is a bool"),
    "a float for a name": ({1.5: "one"}, "a name that is a float"),
    "a tuple for a name": ({(1, 2): "one"}, "a name that is a tuple"),
    "a number of 5000 digits": (10**5000, "more than 4200 digits"),
    "one level too many": (nested(100), "nested too deep"),
    "thousands of levels": (nested(50_000), "nested too deep"),
    "a dict that holds itself": (holding_itself(), "nested too deep"),
}
JSON: dict[str, Any] = {
    "a subclass of str": Markup("<b>"),
    "an Enum of str": Colour.RED,
    "an IntEnum": Number.ONE,
    "a subclass of float": Ratio(1.5),
    "an OrderedDict": collections.OrderedDict(b=1, a=[None, True]),
    "a defaultdict": collections.defaultdict(list, a=[1]),
    "a Counter": collections.Counter("abba"),
    "an immutable dict": ImmutableDict({"a": 1}),
    "a name that is a subclass of str": {Markup("n"): 1},
    "a whole number past 64 bits": 2**80,
    "a float at its limit": sys.float_info.max,
    "sixty levels": nested(60),
    "any Unicode": "\U0001f600\u2028\uffff",
    "one object twice": [shared := {"a": 1}, shared],
}
# How the value gets into the event, and what the log calls the place.
PLACES: dict[str, str] = {
    "at the top": "extra",
    "in properties": "properties.price",
    "in a list": "properties.items.1.price",
    "behind a dotted name": "properties.a\\.b.c",
}


def put(event: Event, place: str, value: Any) -> None:
    properties = event.setdefault("properties", {})
    if place == "at the top":
        event["extra"] = value
    elif place == "in properties":
        properties["price"] = value
    elif place == "in a list":
        properties["items"] = [{"price": 1}, {"price": value}]
    else:
        properties["a.b"] = {"c": value}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", NOT_JSON)
def test_what_is_not_json_reaches_no_sink_and_the_log_names_the_place(
    kind: str, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    value, what = NOT_JSON[kind]
    pixel = Pixel(enrich=[client_context, lambda event, request: put(event, place, value)])
    response = pixel.get("/pixel/v1/track", GOOD)
    assert (response.status_code, response.headers["X-Pixel-Error"]) == (503, "unavailable")
    assert pixel.events == []
    assert pixel.refusals == [], "the visitor is not to blame"
    assert f"TypeError: what the enrichers left is not JSON: {PLACES[place]}" in caplog.text
    assert what in caplog.text
    assert pixel.middleware.collector.stats() == {"unavailable": 1}


@pytest.mark.parametrize("kind", JSON)
def test_what_is_json_is_stored_as_the_encoder_writes_it(kind: str) -> None:
    pixel = Pixel(enrich=[lambda event, request: put(event, "in properties", JSON[kind])])
    assert pixel.get("/pixel/v1/track", GOOD).status_code == 200
    assert json.loads(encode(pixel.events[0]))["properties"]["price"] == json.loads(json.dumps(JSON[kind]))


def test_a_class_of_events_is_looked_at_before_the_schema_is_asked() -> None:
    """A schema might take NaN for a number, and a tuple for no array."""
    pixel = Pixel(enrich=[lambda event, request: put(event, "in properties", ("x",))], schemas={"track": {}})
    assert pixel.get("/pixel/v1/track", GOOD).status_code == 503


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("name", [1, 1.5, None, True], ids=repr)
@pytest.mark.parametrize("place", PLACES)
def test_a_name_that_is_no_string_does_not_become_text_when_an_event_is_encoded(
    place: str, name: Any, ascii_only: bool
) -> None:
    event: Event = {"type": "track"}
    put(event, place, {"fine": [{"too": 1}], name: "one"})
    with pytest.raises(Undeliverable, match="not JSON: a name in it is no string"):
        encode(event, ascii_only=ascii_only)


def test_an_event_that_is_nested_deeper_than_python_goes_is_undeliverable() -> None:
    with pytest.raises(Undeliverable):
        encode({"deep": nested(100_000)})
