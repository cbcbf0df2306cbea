"""Requests that are meant to wear down: environs, numbers, and many at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug import Request

from pixelmw import Event
from tests.support import shells
from tests.support.pixel import Pixel
from tests.support.processes import finish, start

shell = shells.shell

TRACK = "/pixel/v1/track"
BASE = "writeKey=k&anonymousId=a&event=e"
TYPED = {"properties": {"n": {"type": "integer"}}}


def nosy(event: Event, request: Request) -> None:
    """An enricher that reads everything that Werkzeug decodes."""
    event["seen"] = [len(request.args), len(list(request.headers)), len(request.user_agent.string), len(request.url)]


def call(pixel: Pixel, **environ: str) -> str:
    """The status of one GET, past the client and the validator: these would not send what a bad server may."""
    statuses: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        statuses.append(status[:3])
        return print  # nobody writes

    chunks = pixel.middleware({"REQUEST_METHOD": "GET", **environ}, start_response)
    assert all(isinstance(chunk, bytes) for chunk in chunks)
    return statuses[0]


def assert_good_request_works(pixel: Pixel) -> None:
    assert pixel.get(TRACK, BASE).status_code == 200


ODD = [
    pytest.param("жук", "жук", id="decoded"),
    pytest.param("\U0001f41e", "\U0001f41e", id="astral"),
    pytest.param("\ud800", "\ufffd\ufffd\ufffd", id="lone surrogate"),
    pytest.param("a\udcff", "a\ufffd\ufffd\ufffd", id="surrogateescape"),
    pytest.param("\xff\u20ac", "\xff€", id="mixed"),
]
PLACES = {
    "QUERY_STRING": ("properties", "q"),
    "HTTP_USER_AGENT": ("context", "userAgent"),
    "HTTP_REFERER": ("context", "page", "url"),
}
# What is read, and not copied: none of the texts above is an address or a language.
READ_PLACES = {"REMOTE_ADDR": "ip", "HTTP_ACCEPT_LANGUAGE": "locale"}


@pytest.mark.parametrize("reply", ["gif", "auto"])
@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(("value", "text"), ODD)
def test_an_environ_that_is_not_latin_1_is_read_as_text(where: str, value: str, text: str, reply: str) -> None:
    pixel = Pixel(reply=reply, enrich=[nosy, *Pixel().middleware.collector.enrich])
    environ = {"PATH_INFO": TRACK, "QUERY_STRING": f"{BASE}&properties.q=", "HTTP_ACCEPT": value}
    environ[where] = environ.get(where, "") + value
    assert call(pixel, **environ) == "200"
    event: Any = pixel.events[0]
    json.dumps(event, allow_nan=False, ensure_ascii=False).encode("utf-8", "strict")
    for segment in PLACES[where]:
        event = event[segment]
    assert event == text
    assert_good_request_works(pixel)


@pytest.mark.parametrize("reply", ["gif", "auto"])
@pytest.mark.parametrize("where", READ_PLACES)
@pytest.mark.parametrize(("value", "text"), ODD)
def test_an_environ_that_is_not_latin_1_is_no_address_and_no_language(
    where: str, value: str, text: str, reply: str
) -> None:
    pixel = Pixel(reply=reply)
    environ = {"PATH_INFO": TRACK, "QUERY_STRING": BASE, "HTTP_ACCEPT": value, where: value}
    assert call(pixel, **environ) == "200"
    assert READ_PLACES[where] not in pixel.events[0]["context"]
    assert text not in json.dumps(pixel.events[0], ensure_ascii=False)


@pytest.mark.parametrize("path", ["/жук", f"{TRACK}\ud800", f"{TRACK}\u20ac", ""])
def test_a_path_that_is_not_latin_1_is_the_host_applications(path: str) -> None:
    pixel = Pixel()
    assert call(pixel, PATH_INFO=path, QUERY_STRING=BASE) == "200"
    assert pixel.events == []


@pytest.mark.parametrize("value", ["/жук", "/\ud800"])
def test_an_enricher_may_read_a_request_whose_path_is_not_latin_1(value: str) -> None:
    pixel = Pixel(enrich=[nosy])
    pixel.middleware.collector.collect("track", {"QUERY_STRING": BASE, "PATH_INFO": value, "SCRIPT_NAME": value})
    assert pixel.events[0]["seen"][0] == 3


def test_an_enricher_may_read_the_arguments_of_a_query_with_any_raw_byte() -> None:
    """These bytes are good WSGI, and the parser has a rule for them, so a look at ``request.args`` is no fault."""
    pixel = Pixel(enrich=[nosy])
    assert pixel.get(TRACK, f"{BASE}&a=\xff&b=%FF&c=\xed\xa0\x80").status_code == 200
    assert pixel.events[0]["seen"][0] == 6


def test_an_environ_may_lack_nearly_everything() -> None:
    pixel = Pixel(enrich=[nosy, *Pixel().middleware.collector.enrich])
    assert call(pixel, PATH_INFO=TRACK, QUERY_STRING=BASE) == "200"
    assert "ip" not in pixel.events[0]["context"]
    assert call(pixel, PATH_INFO=TRACK) == "401"
    assert call(pixel, QUERY_STRING=BASE) == "200"  # the host application
    assert len(pixel.events) == 1


_GROWTH = """
import sys
from tests.support.growth import growth_of_rounds
from tests.support.shells import SHELLS
print(*growth_of_rounds(SHELLS[sys.argv[1]]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", shells.SHELLS)
def test_memory_stays_flat_under_3000_hostile_requests(name: str) -> None:
    """In a process of its own: whatever else has run in this one may grow meanwhile."""
    rounds = [int(word) for word in finish(start(_GROWTH, name), timeout=120.0)]
    assert len(rounds) == 3
    # What is kept of a request shows in each round. Before Python 3.12, the interpreter's table of interned strings may
    # be made anew in one of them: each event loop interns a few and forgets them.
    assert sorted(rounds)[1] < 33_000, rounds
