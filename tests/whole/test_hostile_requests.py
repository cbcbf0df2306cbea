"""Requests that are meant to wear down: environs, numbers, and many at once."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable
from itertools import count, cycle, islice
from typing import Any

import pytest
from werkzeug import Request
from werkzeug.test import create_environ, run_wsgi_app

from pixelmw import Event
from tests.support import shells
from tests.support.pixel import Pixel

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


@pytest.mark.no_cover
@pytest.mark.slow
def test_memory_stays_flat_under_3000_hostile_requests(shell: type[Pixel]) -> None:
    pixel = shell(sink=lambda event: None, on_reject=lambda refusal: None, schemas={"track": TYPED}, reply="auto")
    queries = [
        BASE,
        "writeKey.x=1",
        "n" * 300,
        f"{BASE}&n=x%0D%0A",
        "a." * 16_000,
        "a&" * 10_000,
        "a.999999999=x",
        f"{BASE}&n={'9' * 5000}",
        "%FF=%00&" * 200,
    ]
    queries += [f"{BASE}&{'.'.join('abcdefghij')}{number}=x&{number}=1" for number in range(50)]

    app = pixel.client.application  # past the client, which takes more memory and time than the middleware

    numbers = count()

    def growth(requests: int) -> int:
        """By how many bytes memory grew in the meantime."""
        before = tracemalloc.get_traced_memory()[0]
        for query in islice(cycle(queries), requests):
            environ = {**create_environ(TRACK), "QUERY_STRING": f"{query}&u{next(numbers)}"}  # no two are alike
            assert run_wsgi_app(app, environ, buffered=True)[1][:3] in ("200", "400", "401", "414")
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    try:
        growth(1000)  # fills what there is of caches
        rounds = [growth(1000) for _ in range(3)]
    finally:
        tracemalloc.stop()
    # What is kept of a request shows in each round. Before Python 3.12, the interpreter's table of interned strings may
    # be made anew in one of them: each event loop interns a few and forgets them. Under pytest, it has megabytes.
    assert sorted(rounds)[1] < 33_000, rounds
    assert_good_request_works(pixel)
