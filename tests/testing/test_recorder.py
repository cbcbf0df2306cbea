"""The recorder around applications, what it says of what came, and how it waits."""

from __future__ import annotations

import threading
from typing import Any
from unittest.mock import ANY

import django
import flask
import pytest
from django.core.handlers.wsgi import WSGIHandler
from werkzeug.exceptions import NotFound
from werkzeug.test import Client

from pixelmw import Event, PixelMiddleware, Rejected
from pixelmw.delivery import Background
from pixelmw.testing import Recorder, sample_event
from tests.support import django_site
from tests.support.pixel import host_app

TRACK = "/pixel/v1/track?anonymousId=a&event="


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def client(recorder: Recorder) -> Client:
    return Client(recorder.wrap(NotFound(), write_keys="optional"))


def django_app() -> Any:
    django_site.configure()
    django.setup()
    return WSGIHandler()


@pytest.mark.parametrize(
    "make", [lambda: host_app, lambda: flask.Flask("shop"), django_app], ids=["bare", "Flask", "Django"]
)
def test_it_records_what_comes_to_an_application_of_any_kind(make: Any, recorder: Recorder) -> None:
    client = Client(recorder.wrap(make(), write_keys="optional"))
    assert client.get(TRACK + "Sign+Up").status_code == 200
    assert client.get("/pixel/v1/track?event=Sign+Up").status_code == 400
    assert client.get("/elsewhere").status_code in (200, 404)
    assert [event["event"] for event in recorder.good] == ["Sign Up"]
    assert [refusal.code for refusal in recorder.bad] == ["invalid"]
    assert isinstance(recorder.bad[0], Rejected)


def test_flasks_own_client_goes_through_it(recorder: Recorder) -> None:
    app = flask.Flask("shop")
    app.wsgi_app = recorder.wrap(app.wsgi_app, write_keys="optional")  # type: ignore[method-assign]  # as Flask says
    app.test_client().get(TRACK + "Sign+Up&properties.plan=pro")
    assert recorder.one(event="Sign Up", properties={"plan": "pro"})["anonymousId"] == "a"


def test_what_it_keeps_is_a_copy_in_a_plain_list(recorder: Recorder) -> None:
    event = sample_event()
    recorder(event)
    event["properties"]["plan"] = "changed"
    assert recorder.good == [sample_event()]
    assert type(recorder.good) is list


def test_an_on_reject_of_yours_is_called_too(recorder: Recorder) -> None:
    refused: list[Rejected] = []
    client = Client(recorder.wrap(NotFound(), on_reject=refused.append))
    client.get(TRACK + "Opened")
    assert [each.code for each in refused] == ["unauthorized"]
    assert recorder.bad == refused


def test_its_two_halves_fit_a_middleware_that_is_made_by_hand(recorder: Recorder) -> None:
    client = Client(PixelMiddleware(NotFound(), recorder, on_reject=recorder.on_reject))
    client.get(TRACK + "Opened&writeKey=k")
    client.get(TRACK + "Opened")
    recorder.wait(good=1, bad=1, timeout=0.0)


def test_reset_empties_the_lists_and_keeps_them(client: Client, recorder: Recorder) -> None:
    good, bad = recorder.good, recorder.bad
    client.get(TRACK + "Opened")
    client.get("/pixel/v1/track")
    recorder.reset()
    assert (good, bad) == ([], [])
    assert recorder.good is good
    assert recorder.bad is bad


# --- one ---


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "Order Completed"},
        {"properties": {"plan": "pro"}},
        {"properties": {"plan": "pro", "revenue": 49.9}, "context": {"page": {"url": ANY}}},
        {"messageId": ANY},
        {},
    ],
)
def test_one_finds_the_event_that_holds_the_fields(recorder: Recorder, fields: dict[str, Any]) -> None:
    recorder(sample_event())
    assert recorder.one(**fields) == sample_event()


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"event": "Sign Up"}, "event: expected 'Sign Up', there is 'Order Completed'"),
        ({"properties": {"plan": "free"}}, "properties.plan: expected 'free', there is 'pro'"),
        ({"properties": {"coupon": "x"}}, "properties.coupon: expected 'x', there is nothing"),
        ({"properties": {"yes": 1}}, "properties.yes: expected 1, there is True"),
        ({"properties": {"list": [1, 3]}}, "properties.list.1: expected 3, there is 2"),
        ({"properties": {"list": [1]}}, "properties.list: expected [1], there is [1, 2]"),
        ({"properties": {"list": {"0": 1}}}, "properties.list: expected {'0': 1}, there is [1, 2]"),
    ],
)
def test_one_says_how_what_came_differs(recorder: Recorder, fields: dict[str, Any], line: str) -> None:
    recorder(sample_event("track", properties={"yes": True, "list": [1, 2]}))
    with pytest.raises(AssertionError) as caught:
        recorder.one(**fields)
    assert line in str(caught.value)
    assert str(caught.value).startswith("none of 1 good events that holds")


def test_one_shows_the_nearest_first_and_the_refusals(client: Client, recorder: Recorder) -> None:
    client.get(TRACK + "Opened&properties.plan=free&properties.seats=1")
    client.get(TRACK + "Sign+Up&properties.plan=free&properties.seats=2")
    client.get("/pixel/v1/track?event=Sign+Up")
    with pytest.raises(AssertionError) as caught:
        recorder.one(event="Sign Up", properties={"plan": "pro", "seats": "2"})
    message = str(caught.value)
    assert message.index("event 'Sign Up'") < message.index("event 'Opened'")
    assert "1 refused:\n  track: invalid: " in message


def test_one_says_that_nothing_came_and_why(client: Client, recorder: Recorder) -> None:
    client.get("/pixel/v1/track?event=Sign+Up")
    with pytest.raises(AssertionError, match=r"(?s)^no good event came; one that holds .*anonymousId"):
        recorder.one(event="Sign Up")


def test_one_is_not_two(recorder: Recorder) -> None:
    recorder.write([sample_event(messageId="1"), sample_event(messageId="2")])
    with pytest.raises(AssertionError, match=r"(?s)^2 good events that hold .*, and there should be one:.*'1'.*'2'"):
        recorder.one(event="Order Completed")
    assert recorder.one(messageId="2")["messageId"] == "2"


# --- wait ---


def test_wait_returns_once_all_have_come_from_another_thread(recorder: Recorder) -> None:
    sink = Background(recorder, max_delay=0.0)
    events = [sample_event(messageId=str(number)) for number in range(3)]
    sender = threading.Thread(target=lambda: sink.write(events))
    sender.start()
    recorder.wait(good=3, bad=0, timeout=20.0)
    sender.join()
    sink.close()
    assert [event["messageId"] for event in recorder.good] == ["0", "1", "2"]


def test_wait_sees_what_is_appended_directly(recorder: Recorder) -> None:
    timer = threading.Timer(0.01, recorder.good.append, [sample_event()])
    timer.start()
    recorder.wait(good=1, timeout=20.0)
    timer.join()


def test_wait_says_what_came_when_the_time_is_over(client: Client, recorder: Recorder) -> None:
    client.get(TRACK + "Opened")
    client.get("/pixel/v1/track")
    with pytest.raises(AssertionError) as caught:
        recorder.wait(good=2, timeout=0.01)
    message = str(caught.value)
    assert message.startswith("1 good and 1 bad came within 0.01 seconds; waited for 2 good\n")
    assert "the track event 'Opened'" in message
    assert "track: unauthorized" not in message
    assert "1 refused:\n  track: invalid: " in message


@pytest.mark.parametrize("counts", [{"good": 0}, {"good": 1, "bad": 0}, {"bad": 0}])
def test_wait_does_not_wait_where_there_are_too_many(
    client: Client, recorder: Recorder, counts: dict[str, int]
) -> None:
    client.get(TRACK + "Opened")
    client.get("/pixel/v1/track")
    with pytest.raises(AssertionError, match=r"^1 good and 1 bad came; waited for"):
        recorder.wait(**counts, timeout=1000.0)


def test_wait_needs_to_know_how_many(recorder: Recorder) -> None:
    with pytest.raises(TypeError, match="how many"):
        recorder.wait()


def test_a_long_list_is_cut(recorder: Recorder) -> None:
    events: list[Event] = [sample_event(messageId=str(number)) for number in range(30)]
    recorder.write(events)
    with pytest.raises(AssertionError) as caught:
        recorder.one(event="x" * 5000)
    assert str(caught.value).endswith("and 20 more")
    assert len(str(caught.value)) < 4000
