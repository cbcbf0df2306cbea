"""How the HTTP sink understands the answers of a data plane."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable, store
from pixelmw.sinks.http import HTTP
from pixelmw.sinks.http.data_plane import parse_retry_after
from tests.support import http_server
from tests.support.http_server import Answer, DataPlane, works_again
from tests.support.processes import event

THREE_REQUESTS = [event(str(number), 20_000) for number in range(60)]  # of 24, 24 and 12 events


server, sink = http_server.server, http_server.sink


@pytest.mark.parametrize("status", [408, 425, 429, 460, 500, 502, 503, 504, 529, 599, 600, 199])
def test_an_answer_that_is_not_about_the_event_is_a_reason_to_try_again(
    server: DataPlane, sink: HTTP, status: int
) -> None:
    server.script.append(Answer(status, body=b""))
    with pytest.raises(Unavailable, match=str(status)) as caught:
        sink.write([event("1"), event("2")])
    assert caught.value.retry_after is None
    assert len(server.requests) == 1
    assert works_again(server, sink)


@pytest.mark.parametrize("status", [400, 409, 413, 422, 451, 499])
def test_a_refusal_is_for_ever(server: DataPlane, sink: HTTP, status: int) -> None:
    server.script.append(Answer(status, {"Retry-After": "1"}, b'{"error":"no \x1b[31mway\n\xff"}'))
    with pytest.raises(Undeliverable) as caught:
        sink.write([event("1"), event("2")])
    assert str(caught.value) == f'{server.url}/v1/batch answered {status}: {{"error":"no  [31mway �"}}'
    assert works_again(server, sink)


def test_a_refusal_is_quoted_up_to_200_characters(server: DataPlane, sink: HTTP) -> None:
    server.script.append(Answer(400, body=b"a" * 1_000_000))
    with pytest.raises(Undeliverable) as caught:
        sink(event("1"))
    assert str(caught.value).endswith(" 400: " + "a" * 200)
    assert works_again(server, sink)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_a_redirect_is_not_followed_and_not_the_events_fault(server: DataPlane, sink: HTTP, status: int) -> None:
    server.script.append(Answer(status, {"Location": f"{server.url}/elsewhere"}))
    with pytest.raises(Unavailable, match=f"answered {status}; is the URL right"):
        sink(event("1"))
    assert [request.path for request in server.requests] == ["/v1/batch"]


@pytest.mark.parametrize("status", [408, 429, 503, 529])
@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("7", 7, 7),
        (" 0 ", 0, 0),
        ("1.5", 1.5, 1.5),
        ("-3", 0, 0),
        ("a date in an hour", 3500, 3600),
        (formatdate(1, usegmt=True), 0, 0),
    ],
)
def test_the_pause_that_the_data_plane_asks_for_is_passed_on(
    server: DataPlane, sink: HTTP, status: int, value: str, least: float, most: float
) -> None:
    value = value.replace("a date in an hour", formatdate(time.time() + 3600, usegmt=True))
    server.script.append(Answer(status, {"Retry-After": value}))
    with pytest.raises(Unavailable) as caught:
        sink(event("1"))
    assert caught.value.retry_after is not None
    assert least <= caught.value.retry_after <= most


@pytest.mark.parametrize("value", ["soon", "1e3", "nan", "inf", "٣", "1, 2", "9" * 5000, "Mon, 99 Foo 2026 1:1:1 GMT"])
def test_a_pause_that_makes_no_sense_is_ignored(server: DataPlane, sink: HTTP, value: str) -> None:
    server.script.append(Answer(503, {"Retry-After": value.encode().decode("latin-1")}))
    with pytest.raises(Unavailable) as caught:
        sink(event("1"))
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    "date", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_all_three_forms_of_a_date_are_read(date: str) -> None:
    assert parse_retry_after(date, 784_111_777 - 60) == 60


@given(st.text())
@example("Mon, 01 Jan 99999 00:00:00 GMT")
@example("Mon, 01 Jan 0000 00:00:00 GMT")
@example("Mon, 01 Jan 2026 00:00:00 +999999")
@example("Mon, 01 Jan 2026 00:00:00 +99999999999999999999")
@example("Mon, 01 Jan 99999999999999999999 00:00:00 GMT")
def test_no_retry_after_whatsoever_raises(value: str) -> None:
    assert (parse_retry_after(value, 0.0) or 0.0) >= 0


def test_a_later_request_that_fails_is_named_with_those_that_were_not_tried(server: DataPlane, sink: HTTP) -> None:
    server.script += [Answer(), Answer(503, {"Retry-After": "9"})]
    with pytest.raises(PartialFailure) as caught:
        sink.write(THREE_REQUESTS)
    failures = caught.value.failures
    assert server.ids() == [str(number) for number in range(24)]
    assert list(failures) == list(range(24, 60))
    assert [getattr(failures[place], "retry_after", None) for place in range(24, 60)] == [9.0] * 24 + [None] * 12
    assert [type(failures[place]) for place in range(24, 60)] == [Unavailable] * 24 + [type(None)] * 12
    assert len(server.requests) == 2


def test_a_first_request_that_fails_is_the_failure_of_the_batch(server: DataPlane, sink: HTTP) -> None:
    for status, error in ((503, Unavailable), (400, Undeliverable)):
        server.script.append(Answer(status))
        with pytest.raises(error, match=str(status)):
            sink.write(THREE_REQUESTS)
    assert len(server.requests) == 2
    assert not server.stored


def test_events_refused_together_are_not_called_undeliverable_one_by_one(server: DataPlane, sink: HTTP) -> None:
    server.script += [Answer(), Answer(400, body=b"bad event")]
    with pytest.raises(PartialFailure) as caught:
        sink.write(THREE_REQUESTS)
    assert caught.value.failures == dict.fromkeys(range(24, 60))


def test_what_was_refused_together_is_tried_again_where_it_is_stored(server: DataPlane, sink: HTTP) -> None:
    server.script += [Answer(), Answer(400, body=b"bad event")]
    store(sink, THREE_REQUESTS)
    assert server.ids() == [event["messageId"] for event in THREE_REQUESTS]


def test_an_event_refused_alone_is_undeliverable(server: DataPlane, sink: HTTP) -> None:
    server.script += [Answer(), Answer(400)]
    with pytest.raises(PartialFailure) as caught:
        sink.write(THREE_REQUESTS[:25])
    assert {place: type(error) for place, error in caught.value.failures.items()} == {24: Undeliverable}


def test_what_is_too_large_and_what_was_not_taken_are_named_together(server: DataPlane, sink: HTTP) -> None:
    server.script += [Answer(), Answer(429)]
    with pytest.raises(PartialFailure) as caught:
        sink.write([*THREE_REQUESTS[:30], event("large", 40_000), *THREE_REQUESTS[30:35]])
    assert [type(error) for error in caught.value.failures.values()] == [Unavailable] * 6 + [Undeliverable] + [
        Unavailable
    ] * 5
    assert list(caught.value.failures) == list(range(24, 36))
