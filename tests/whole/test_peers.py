"""The requests of other collectors' own tests, and what we answer to those that could be ours.

The requests are in a collection that may stand beside the checkout. The tables here refer to them by line number, and
have only our answers. ``page`` and ``track`` are our paths, on which another product's query is tried.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from tests.support.needs import conformance
from tests.support.pixel import Pixel

#: The query of a parser's test needs these to become an event.
IDS = "writeKey=k&anonymousId=a&"
ID = "anonymousId=a&"

#: Line: product, path, what we put before its query, status, code, and the values of the event that matter.
OURS: dict[int, tuple[str, str, str, int, str | None, dict[str, Any]]] = {
    # RudderStack's gateway checks the ids elsewhere, and answers 200 whatever happens.
    1: ("rudderstack", "page", "", 400, "invalid", {}),
    2: ("rudderstack", "page", ID, 200, None, {"random": "random", "type": "page", "channel": "web"}),
    3: ("rudderstack", "page", "", 401, "unauthorized", {}),
    4: ("rudderstack", "track", ID, 400, "invalid", {}),
    5: ("rudderstack", "page", "", 200, None, {"anonymousId": "identified_user_id"}),
    6: ("rudderstack", "track", "", 200, None, {"event": "product_reviewed_again"}),
    7: ("rudderstack", "track", "", 401, "unauthorized", {}),
    8: ("rudderstack", "page", "", 401, "unauthorized", {}),
    12: ("rudderstack", "page", IDS, 200, None, {"context.userAgent": r"Mozilla/5\.0 \(comp.*Googlebot/2\.1;  http.*"}),
    13: ("rudderstack", "page", IDS, 200, None, {"context.userAgent": r".*bingbot/2\.0;  http://www\.bing.*\)"}),
    14: ("rudderstack", "page", IDS, 200, None, {"context.userAgent": r"Mozilla/5\.0 \(Macintosh; .* Safari/537\.36"}),
    15: ("rudderstack", "page", IDS, 200, None, {"context.userAgent": ""}),
    # The stand-ins of AMP's tests are no screen sizes; with sizes, see test_amp.py.
    16: ("segment", "page", "", 400, "invalid", {}),
    17: ("segment", "track", "", 400, "invalid", {}),
    21: ("chartbeat", "page", IDS, 200, None, {"_": "", "C": "2"}),
    22: ("atinternet", "page", IDS, 200, None, {"medium": "amp", "ref": "_document_referrer_"}),
    25: ("mobify", "page", IDS, 200, None, {"data": r'\{"action":"pageview"\}', "channel": "web"}),
    26: ("webtrekk", "page", IDS, 200, None, {"p": r"432,\$contentId,1,.*,0"}),
    27: ("afsanalytics", "page", IDS, 200, None, {"amp": "1", "js": "1"}),
    28: ("rudderstack", "page", "", 200, None, {"name": "Unknown Page", "context.screen.width": 1440}),
    29: ("rudderstack", "track", "", 200, None, {"event": "filled", "context.library.name": "Rudderstack AMP SDK"}),
    30: ("segment", "track", "", 200, None, {"properties.subject": "The Electric Daily", "event": "Email Opened"}),
    31: ("segment", "track", "", 200, None, {"properties.subject": "The Electric Daily", "event": "Email Opened"}),
    # Snowplow's pixel without our key; its HEAD is an event there, and none here.
    33: ("snowplow", "page", "", 204, None, {}),
    39: ("snowplow", "page", "", 401, "unauthorized", {}),
    42: ("snowplow", "page", "", 200, None, {}),
    45: ("snowplow", "page", IDS, 200, None, {"schema": "iglu:com.snowplow.*/social_interaction/jsonschema/1-0-0"}),
    # Its X-Forwarded-For is believed behind ProxyFix only.
    54: ("snowplow", "page", IDS, 200, None, {"context.userAgent": "testUserAgent", "context.ip": r"127\.0\.0\.1"}),
    55: ("snowplow", "page", "", 401, "unauthorized", {}),
    56: ("snowplow", "page", "", 401, "unauthorized", {}),
    57: ("snowplow", "page", "", 401, "unauthorized", {}),
    63: ("snowplow", "page", "", 204, None, {}),
    79: ("goatcounter", "page", "", 401, "unauthorized", {}),
    81: ("goatcounter", "page", IDS, 200, None, {"p": "/foo.html"}),
    84: ("goatcounter", "page", IDS, 200, None, {"p": r"/foo\.html\?a=b&c=d"}),
    86: ("goatcounter", "page", IDS, 200, None, {"r": "example"}),
    88: ("goatcounter", "page", IDS, 200, None, {"r": r"https://example\.com\?p=x", "s": "40,50,1"}),
    89: ("goatcounter", "page", IDS, 200, None, {"q": "ref=AAA"}),
    97: ("goatcounter", "page", IDS, 405, "bad-method", {}),
    98: ("goatcounter", "page", IDS, 200, None, {"p": "/a{1000,}"}),
    99: ("goatcounter", "page", IDS, 200, None, {"p": "/a{1000,}"}),  # a value has no limit but the query's
    105: ("matomo", "page", IDS, 200, None, {"idsite": "1", "action_name": "Test"}),
    107: ("matomo", "page", IDS, 200, None, {"idsite": "1"}),  # the first value counts; in PHP the last one does
    113: ("matomo", "page", "", 401, "unauthorized", {}),
    114: ("matomo", "page", "", 401, "unauthorized", {}),
    117: ("matomo", "page", IDS, 200, None, {"revenue": r"16\.99", "url": r"http://quellehorreur\.com/movies"}),
    126: ("matomo", "page", IDS, 200, None, {"url": ".*-\U0001f601"}),
    138: ("divolte", "page", IDS, 200, None, {"t": "pageView", "x": "", "l": "http://localhost:8290/"}),
    139: ("divolte", "page", IDS, 200, None, {"t": "pageView", "x": ""}),
    140: ("divolte", "page", IDS, 200, None, {"t": "ụñ⚕©ºḌℨ"}),
    143: ("posthog", "page", "", 401, "unauthorized", {}),
    150: ("posthog", "page", IDS, 200, None, {"ph_event": "the event", "params": "2"}),
    151: ("countly", "page", "", 401, "unauthorized", {}),
    152: ("countly", "page", "", 401, "unauthorized", {}),
    153: ("countly", "page", "", 401, "unauthorized", {}),
    158: ("countly", "page", "", 401, "unauthorized", {}),
    159: ("mautic", "page", IDS, 200, None, {"url": r"http://mautic\.org"}),
    160: ("fathom", "page", "", 401, "unauthorized", {}),
    # sjson, as RudderStack's gateway drives it: names are dotted, and nothing but the dot and the backslash is special.
    173: ("sjson", "page", IDS, 200, None, {"a": ["x"]}),
    174: ("sjson", "page", IDS, 200, None, {"a": {"1": "x"}}),
    175: ("sjson", "page", IDS, 200, None, {"a": ["x", "y", "z"]}),
    176: ("sjson", "page", IDS, 200, None, {"a": {"-1": "x"}}),
    177: ("sjson", "page", IDS, 200, None, {"a": {"b": "y", "0": "x"}}),
    178: ("sjson", "page", IDS, 200, None, {"a": {"b": "y", "0": "x"}}),
    179: ("sjson", "page", IDS, 400, "bad-query", {}),
    180: ("sjson", "page", IDS, 400, "bad-query", {}),
    181: ("sjson", "page", IDS, 200, None, {"a.b": "x"}),
    182: ("sjson", "page", IDS, 200, None, {"a": {":0": "x"}}),
    183: ("sjson", "page", IDS, 200, None, {":a": "x"}),
    184: ("sjson", "page", IDS, 200, None, {"0": "x"}),
    185: ("sjson", "page", IDS, 200, None, {"a": {"": "x"}}),
    186: ("sjson", "page", IDS, 200, None, {"a": {"": {"b": "x"}}}),
    187: ("sjson", "page", IDS, 200, None, {"": {"": "x"}}),
    188: ("sjson", "page", IDS, 200, None, {"": None}),  # a parameter without a name is nothing
    189: ("sjson", "page", IDS, 200, None, {"a@b": "x"}),
    190: ("sjson", "page", IDS, 200, None, {"a|b": "x"}),
    191: ("sjson", "page", IDS, 200, None, {"a#": "x"}),
    192: ("sjson", "page", IDS, 200, None, {"a*": "x"}),
    193: ("sjson", "page", IDS, 200, None, {"chan*": "x", "channel": "web"}),
    194: ("sjson", "page", IDS, 200, None, {"integrations": {"All": True}}),
    195: ("sjson", "page", IDS, 200, None, {"a[]": "5"}),
    196: ("sjson", "page", IDS, 200, None, {"properties[price]": "5"}),
    197: ("sjson", "page", IDS, 200, None, {"a": {"01": "x"}}),
    198: ("sjson", "page", IDS, 200, None, {"{a": {"x": "1", "y": "2"}}),
    199: ("sjson", "page", IDS, 200, None, {"a": {"100000000": "x"}}),
    200: ("sjson", "page", IDS, 200, None, {"a": {"9223372036854775808": "x"}}),
    201: ("sjson", "page", IDS, 200, None, {"a": "1;b=2", "b": None}),
    202: ("sjson", "page", IDS, 200, None, {"a": "%zz", "b": "2"}),
    203: ("sjson", "page", IDS, 200, None, {"a": "\ufffd\ufffd"}),
    204: ("sjson", "page", IDS, 200, None, {"a": ""}),
}

#: The other lines, and why they are no requests for us.
NOT_OURS: dict[str, list[int | range]] = {
    "a path of the host application": [9, 32, 34, 35, 37, 38, 48, 49, 69, 70, 73],
    "another endpoint of that product": [10, 11, 40, 41, 43, 44, 47, range(58, 61), 62, range(75, 79), 163],
    "its data are in the path": [23, 24, 161, 162, range(205, 208)],
    "parameters that mean something to that product only": [18, 19, 20, 36, 80, 82, 83, 85, 87, range(90, 94), 116],
    "a limit or a format of that product's ids": [96, range(108, 113), 115, 146],
    "telling robots and networks apart": [94, 95, range(100, 105), range(127, 133), 172],
    "a body, which a pixel has none of": [
        46,
        range(50, 54),
        range(64, 69),
        71,
        72,
        74,
        120,
        121,
        148,
        149,
        range(167, 172),
    ],
    "cookies of the collector's": [61],
    "an answer without an image, or with another": [106, 119, 133, 134],
    "the client's clock": [range(122, 126), 145],
    "a checksum or a signature": [range(135, 138), 141, range(154, 158)],
    "JSON in one parameter, abridged": [118, 142, 144, 147],
    "a list of allowed origins": [range(164, 167)],
}


def lines_of(numbers: list[int | range]) -> list[int]:
    return [line for part in numbers for line in (part if isinstance(part, range) else [part])]


def request_on(line: int) -> dict[str, Any]:
    """The request on *line*, with its placeholders filled, and the queries around a "then" joined."""
    lines = conformance("peer_requests.jsonl").read_text("utf-8").splitlines()
    request: dict[str, Any] = json.loads(lines[line - 1])["request"]
    query = request["query"].replace(" then ", "&") if 173 <= line <= 204 else request["query"]
    sizes = {"${screenWidth}": "1440", "${screenHeight}": "900", "${pageName}": "", "${documentReferrer}": ""}
    filled = re.sub(r"\$\{\w+\}", lambda macro: sizes.get(macro[0], "filled"), query)
    return {**request, "query": re.sub(r"<[\w ]+>", "filled", filled).encode().decode("latin-1")}


def value_at(event: Any, name: str) -> Any:
    """The value of *event* under *name*, a key or a dotted path; ``None`` if there is none."""
    if name in event:
        return event[name]
    parent, dot, rest = name.partition(".")
    return value_at(event[parent], rest) if dot else None


@pytest.mark.parametrize("line", [pytest.param(line, id=f"{row[0]}-line-{line}") for line, row in OURS.items()])
def test_a_request_of_a_peers_tests_gets_our_answer(line: int) -> None:
    _, where, before, status, code, expected = OURS[line]
    request = request_on(line)
    pixel = Pixel()
    response = pixel.request(
        request["method"], f"/pixel/v1/{where}", before + request["query"], headers=request.get("headers", {})
    )
    assert (response.status_code, response.headers.get("X-Pixel-Error")) == (status, code)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert {"no-store", "private"} < set(response.headers["Cache-Control"].split(", "))
    assert len(pixel.events) == (request["method"] == "GET" and status == 200)
    for name, value in expected.items():
        found = value_at(pixel.events[0], name)
        assert re.fullmatch(value, found) if isinstance(value, str) and line < 173 else found == value


OTHERS = {line: why for why, numbers in NOT_OURS.items() for line in lines_of(numbers)}


@pytest.mark.parametrize("line", [pytest.param(line, id=f"line-{line}, {OTHERS[line]}") for line in sorted(OTHERS)])
def test_a_request_that_is_not_ours_reaches_the_host_application(line: int) -> None:
    request = request_on(line)
    path = "/" + re.sub(r"[^\w/.;=,+$-]", "_", request["path"]).removeprefix("/")
    pixel = Pixel()
    assert pixel.request(request["method"], path, request["query"]).data == b"the host application"
    assert (pixel.events, pixel.refusals) == ([], [])


def test_every_line_of_the_collection_is_answered_for_once() -> None:
    count = len(conformance("peer_requests.jsonl").read_text("utf-8").splitlines())
    counted = Counter([*OURS, *(line for numbers in NOT_OURS.values() for line in lines_of(numbers))])
    assert counted == Counter(range(1, count + 1))
