"""The log of what users' callables raise: bounded, without the texts of the event, and still of use."""

from __future__ import annotations

import io
import json
import logging
import reprlib
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from pixelmw import Event
from pixelmw.sinks import fallback
from tests.support.pixel import Pixel

TRACK = "/pixel/v1/track"
GOOD = "writeKey=k&anonymousId=a&event=e"
SECRET = "Zoë O'Neill\t<zoe@example.org>"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a handler with a plain format writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("pixelmw")
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


def fail_with(words: Callable[[Event], str], kind: type[Exception] = ValueError) -> Callable[..., None]:
    def fail(event: Event, *more: object) -> None:
        raise kind(words(event))

    return fail


def text_of(event: Event) -> str:
    return str(event["properties"]["who"])


# How an exception may quote a text.
QUOTED: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "repr": repr,
    "ascii": ascii,
    "JSON": json.dumps,
    "JSON in Unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "bytes": lambda text: repr(text.encode()),
    "a URL": lambda text: f"https://data.example/?who={quote(text, safe='')}",
    "SQL": lambda text: "INSERT INTO t VALUES ('" + text.replace("'", "''") + "')",
    "cut off": lambda text: text[:16] + "...",
    "the middle left out": reprlib.repr,
    "stripped": str.strip,
    "twice": lambda text: f"{text} is not {text}",
    "in an argument": lambda text: str(KeyError(text)),
}


@pytest.mark.parametrize("quoted", QUOTED)
@pytest.mark.parametrize("place", ["sink", "enricher"])
def test_a_message_shows_no_text_of_the_event_however_it_is_quoted(place: str, quoted: str, log: io.StringIO) -> None:
    fail = fail_with(lambda event: f"the row {QUOTED[quoted](text_of(event))} was refused")
    options: dict[str, Any] = {"sink": fail} if place == "sink" else {"enrich": [fail]}
    response = Pixel(**options).get(TRACK, f"{GOOD}&properties.who={quote(SECRET)}")
    assert response.status_code == 503
    shown = log.getvalue()
    assert "ValueError: the row " in shown
    assert "was refused" in shown
    assert "…" in shown
    for part in (SECRET, "Zoë", "Zo\\xeb", "Zo%C3", "O'Neill", "zoe@example", "example.org"):
        assert part not in shown, shown


def test_a_cause_a_note_and_the_members_of_a_group_show_none_either(log: io.StringIO) -> None:
    def fail(event: Event) -> None:
        text = text_of(event)
        try:
            raise KeyError(text)
        except KeyError as error:
            error.add_note(f"looked for {text}")
            raise ExceptionGroup(f"two of {text}", [ValueError(text), OSError(5, text)]) from error

    Pixel(sink=fail).get(TRACK, f"{GOOD}&properties.who={quote(SECRET)}")
    shown = log.getvalue()
    assert "Zo" not in shown
    for kind in ("KeyError", "looked for …", "ExceptionGroup", "ValueError", "OSError", "Errno 5", "which led to"):
        assert kind in shown


def test_numbers_and_headers_of_an_event_are_texts_of_it_too(log: io.StringIO) -> None:
    fail = fail_with(lambda event: f"{event['context']['screen']['width']} {event['context']['userAgent']}")
    pixel = Pixel(sink=fail)
    pixel.get(TRACK, f"{GOOD}&context.screen.width=4111111111111111", environ={"HTTP_USER_AGENT": "Agent/Smith"})
    assert "4111" not in log.getvalue()
    assert "Smith" not in log.getvalue()


@pytest.mark.parametrize("key", ["k", "key", "a-longer-key", "schlüssel"])
@pytest.mark.parametrize("spelled", ["writeKey={}", "amp;writeKey={}&writeKey={}", "write%4Bey={}"])
def test_a_write_key_is_not_shown_however_short_it_is(key: str, spelled: str, log: io.StringIO) -> None:
    def look_up(given: str) -> str:
        raise KeyError(given)

    query = spelled.replace("{}", quote(key)) + "&anonymousId=a&event=e"
    assert Pixel(write_keys=look_up).get(TRACK, query).status_code == 503
    assert "KeyError: '…'" in log.getvalue()


def test_a_short_text_hides_no_word(log: io.StringIO) -> None:
    Pixel(sink=fail_with(lambda event: "disk full, like a rock")).get(TRACK, f"{GOOD}&x=disk&y=rock&z=a")
    assert "ValueError: … full, like a …" in log.getvalue()


def test_what_holds_no_text_is_logged_with_the_exception_itself(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads records, and not lines, groups failures by it."""
    Pixel(sink=fail_with(lambda event: "disk full", OSError)).get(TRACK, GOOD)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], OSError)
    assert record.getMessage() == "a track event was not stored"


def test_no_line_of_a_message_looks_like_one_of_the_logs_own(log: io.StringIO) -> None:
    Pixel(sink=fail_with(lambda event: "one\nERROR two\x1b[2J\rthree")).get(TRACK, GOOD)
    assert "\x1b" not in log.getvalue()
    assert "\nERROR two" not in log.getvalue()


def test_an_exception_whose_message_fails_is_logged_too(log: io.StringIO) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fail(event: Event) -> None:
        raise Mute

    assert Pixel(sink=fail).get(TRACK, GOOD).status_code == 503
    assert "Mute" in log.getvalue()


def test_200_failures_log_one_traceback_and_a_line_each(log: io.StringIO) -> None:
    """They logged 200 tracebacks of up to 4 KB."""
    pixel = Pixel(sink=fail_with(lambda event: f"no room for {event}"))
    for number in range(200):
        pixel.get(TRACK, f"{GOOD}&properties.number={number}&properties.text={'x' * 1000}")
    shown = log.getvalue()
    assert shown.count("Traceback") == 1
    assert shown.count("a track event was not stored") == 200
    assert len(shown) < 25_000
    assert pixel.middleware.collector.stats() == {"unavailable": 200}


def test_each_kind_of_failure_has_its_own_traceback(log: io.StringIO) -> None:
    errors = [ValueError("a"), OSError("b"), KeyError("c"), ValueError("d")]

    def fail(event: Event) -> None:
        raise errors[int(event["number"])]

    pixel = Pixel(sink=fail)
    for number in range(4):
        pixel.get(TRACK, f"{GOOD}&number={number}")
    assert log.getvalue().count("Traceback") == 3


@pytest.mark.parametrize("length", [100_000, 10_000_000])
def test_a_message_of_any_length_is_cut(length: int, log: io.StringIO) -> None:
    Pixel(sink=fail_with(lambda event: f"{event['properties']} " * (length // 100))).get(
        TRACK, f"{GOOD}&properties.a=b"
    )
    assert len(log.getvalue()) < 5000


def test_a_traceback_of_any_depth_is_cut(log: io.StringIO) -> None:
    def one(event: Event, depth: int = 0) -> None:
        two(event, depth + 1) if depth < 300 else sys.exit("x")

    def two(event: Event, depth: int) -> None:
        if depth > 250:
            raise OSError
        one(event, depth)

    Pixel(sink=one).get(TRACK, GOOD)
    assert len(log.getvalue()) < 8000


def test_a_fallback_logs_in_the_same_way(log: io.StringIO) -> None:
    stored: list[Event] = []
    pixel = Pixel(sink=fallback(fail_with(lambda event: f"no row for {text_of(event)}"), stored.append))
    for _ in range(100):
        assert pixel.get(TRACK, f"{GOOD}&properties.who={quote(SECRET)}").status_code == 200
    assert log.getvalue().count("Traceback") == 1
    assert "Zo" not in log.getvalue()
    assert len(stored) == 100


def test_on_reject_and_a_reply_fail_without_a_text_either(log: io.StringIO) -> None:
    class Reply:
        def accepted(self, environ: dict[str, Any]) -> Any:
            raise ValueError(environ["QUERY_STRING"])

        def refused(self, environ: dict[str, Any], refusal: Any) -> Any:
            raise ValueError(str(refusal.event))

    def on_reject(refusal: Any) -> None:
        raise ValueError(refusal.event)

    pixel = Pixel(on_reject=on_reject, reply=Reply())
    assert pixel.get(TRACK, f"{GOOD}&who=visitor-17").status_code == 200
    assert pixel.get(TRACK, f"{GOOD}&who=visitor-17&context.screen.width=wide").status_code == 400
    assert "on_reject failed on a track event refused as invalid" in log.getvalue()
    assert "Reply object at" in log.getvalue()
    assert "visitor-17" not in log.getvalue()
