"""Log, fan_out and fallback, which pass single events on."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from pixelmw import Event
from pixelmw.sinks import Log, Unavailable, Undeliverable, fallback, fan_out
from tests.support.pixel import Pixel


class Broken:
    """A sink that changes the event, and fails."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.calls = 0

    def __call__(self, event: Event) -> None:
        self.calls += 1
        event["spoilt"] = True
        event["properties"]["spoilt"] = True
        raise self.error

    def __repr__(self) -> str:
        return "Broken()"


def make_event() -> Event:
    return {"messageId": "m", "properties": {"plan": "pro", "tags": ["a"]}}


class Logged:
    """A real logger and what its handler wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.logger = logging.getLogger("test_others.events")
        self.logger.propagate = False
        self.logger.setLevel(logging.INFO)
        self.handler = logging.StreamHandler(self.stream)
        self.logger.addHandler(self.handler)

    @property
    def text(self) -> str:
        return self.stream.getvalue()


@pytest.fixture
def logged() -> Iterator[Logged]:
    logged = Logged()
    yield logged
    logged.logger.removeHandler(logged.handler)


# --- Log ---


def test_the_log_has_one_line_of_json_for_each_event(logged: Logged) -> None:
    sink = Log(logged.logger)
    sink(make_event())
    sink({"messageId": "n"})
    assert [json.loads(line) for line in logged.text.splitlines()] == [make_event(), {"messageId": "n"}]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("\x1b[2J\x1b]0;title\x07", id="escape"),
        pytest.param("a\nERROR forged\r\nb", id="newline"),
        pytest.param("a\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029b", id="every line end that Python knows"),
        pytest.param("\u202eright to left\u200b", id="bidi"),
        pytest.param("\x9b31m", id="C1"),
        pytest.param("\x00\x08", id="control"),
        pytest.param("\x7f", id="delete"),
        pytest.param("größe 日本 🎉", id="letters"),
        pytest.param("100 %s %d %(name)s {}", id="format"),
    ],
)
def test_a_logged_event_is_one_line_of_printable_ascii_whatever_it_holds(logged: Logged, value: str) -> None:
    Log(logged.logger)({"messageId": "m", value: value})
    line, end = logged.text[:-1], logged.text[-1]
    assert end == "\n"
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"messageId": "m", value: value}


def test_the_log_takes_the_name_of_a_logger_and_a_level(logged: Logged) -> None:
    logged.handler.setFormatter(logging.Formatter("%(levelname)s %(name)s"))
    Log("test_others.events", logging.ERROR)(make_event())
    assert logged.text == "ERROR test_others.events\n"


def test_a_logger_that_drops_the_level_is_an_error_that_names_both(logged: Logged) -> None:
    logged.logger.setLevel(logging.WARNING)
    with pytest.raises(Unavailable, match=r"'test_others\.events' drops what is logged at INFO: set its level"):
        Log(logged.logger)(make_event())
    assert logged.text == ""


def test_the_log_refuses_what_is_not_json(logged: Logged) -> None:
    with pytest.raises(Undeliverable, match=r"the event is not JSON: .*not JSON compliant"):
        Log(logged.logger)({"messageId": "m", "value": float("nan")})
    assert logged.text == ""


def test_a_pixel_whose_logger_drops_it_is_answered_503_and_200_once_the_level_is_set(logged: Logged) -> None:
    pixel = Pixel(sink=Log(logged.logger))
    logged.logger.setLevel(logging.WARNING)
    query = "writeKey=k&anonymousId=a&event=e&messageId="
    refused = pixel.get("/pixel/v1/track", query + "m1")
    logged.logger.setLevel(logging.INFO)
    accepted = pixel.get("/pixel/v1/track", query + "m2")
    assert [refused.status_code, accepted.status_code] == [503, 200]
    assert [json.loads(line)["messageId"] for line in logged.text.splitlines()] == ["m2"]


# --- fan_out ---


def test_each_sink_gets_a_copy_of_its_own() -> None:
    events: list[Event] = []

    def spoil(event: Event) -> None:
        event["properties"]["tags"].append("spoilt")
        event["spoilt"] = True

    event = make_event()
    fan_out(spoil, events.append, spoil, events.append)(event)
    assert events == [make_event(), make_event()]
    assert event == make_event()
    assert len({id(event["properties"]["tags"]) for event in (event, *events)}) == 3


def test_all_sinks_are_tried_in_order_and_their_failures_come_together() -> None:
    events: list[Event] = []
    first, last = Broken(OSError("first")), Broken(ValueError("last"))
    with pytest.raises(ExceptionGroup, match="2 of 3 sinks failed") as caught:
        fan_out(first, events.append, last)(make_event())
    assert caught.value.exceptions == (first.error, last.error)
    assert events == [make_event()]


def test_one_failure_comes_as_a_group_too() -> None:
    broken = Broken(OSError("alone"))
    with pytest.raises(ExceptionGroup) as caught:
        fan_out(broken)(make_event())
    assert caught.value.exceptions == (broken.error,)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)], ids=["Ctrl-C", "exit"])
def test_fan_out_does_not_catch_what_ends_the_process(error: BaseException) -> None:
    broken, never = Broken(error), Broken(OSError())
    with pytest.raises(type(error)) as caught:
        fan_out(Broken(OSError()), broken, never)(make_event())
    assert caught.value is error
    assert never.calls == 0


def test_fan_out_to_no_sinks_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sink"):
        fan_out()


def test_a_pixel_is_answered_503_where_one_sink_of_several_fails(caplog: pytest.LogCaptureFixture) -> None:
    events: list[Event] = []
    pixel = Pixel(sink=fan_out(Broken(OSError("the disk is gone")), events.append))
    response = pixel.get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e&properties.n=1")
    assert (response.status_code, response.headers["X-Pixel-Error"]) == (503, "unavailable")
    assert len(events) == 1
    assert "the disk is gone" in caplog.text


# --- fallback ---


def test_the_second_sink_is_left_alone_while_the_first_works() -> None:
    primary: list[Event] = []
    secondary: list[Event] = []
    fallback(primary.append, secondary.append)(make_event())
    assert (primary, secondary) == ([make_event()], [])


def test_the_second_sink_gets_the_event_as_the_first_should_have_had_it() -> None:
    events: list[Event] = []
    event = make_event()
    fallback(Broken(OSError()), events.append)(event)
    assert events == [make_event()]
    assert event == make_event()


def test_a_fallback_is_a_warning_with_the_reason_and_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    broken = Broken(OSError("the disk is gone"))
    taken: list[Event] = []
    fallback(broken, taken.append)(make_event())
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("pixelmw.sinks", logging.WARNING)
    assert record.exc_info is not None
    assert record.exc_info[1] is broken.error
    assert "Broken() failed" in record.getMessage()


def test_where_both_sinks_fail_the_second_error_has_the_first_as_its_context() -> None:
    primary, secondary = Broken(OSError("primary")), Broken(ValueError("secondary"))
    with pytest.raises(ValueError, match="secondary") as caught:
        fallback(primary, secondary)(make_event())
    assert caught.value is secondary.error
    assert caught.value.__context__ is primary.error


def test_what_ends_the_process_does_not_fall_back() -> None:
    secondary: list[Event] = []
    with pytest.raises(KeyboardInterrupt):
        fallback(Broken(KeyboardInterrupt()), secondary.append)(make_event())
    assert secondary == []


def test_a_pixel_is_answered_200_where_the_second_sink_took_the_event() -> None:
    events: list[Event] = []
    pixel = Pixel(sink=fallback(Broken(OSError()), events.append))
    assert pixel.get("/pixel/v1/track", "writeKey=k&anonymousId=a&event=e&properties.n=1").status_code == 200
    assert events[0]["properties"] == {"n": "1"}
