"""Parameters to event: ids, defaults, times, and the fields that only the server sets."""

from __future__ import annotations

import re
import uuid

import pytest

from pixelmw import Collector, Event, PixelMiddleware
from pixelmw.events import rfc3339
from tests.support.pixel import INSTANT, Pixel, host_app


def test_a_minimal_track_request_gives_exactly_this_event(pixel: Pixel) -> None:
    event = pixel.collected("/pixel/v1/track", "writeKey=k&anonymousId=a&event=Order+Completed")
    assert event == {
        "type": "track",
        "event": "Order Completed",
        "anonymousId": "a",
        "messageId": "id-1",
        "channel": "web",
        "integrations": {"All": True},
        "originalTimestamp": INSTANT,
        "sentAt": INSTANT,
        "receivedAt": INSTANT,
        "context": {"ip": "127.0.0.1"},
    }


def test_unknown_parameters_are_kept_as_strings(pixel: Pixel) -> None:
    event = pixel.page("random=random&n=1&properties.deep.er=2")
    assert (event["random"], event["n"], event["properties"]) == ("random", "1", {"deep": {"er": "2"}})


def test_the_write_key_never_reaches_the_event(pixel: Pixel) -> None:
    assert "writeKey" not in pixel.page("writeKey=again")


@pytest.mark.parametrize("blank", ["", "=", "=+", "=%E2%80%83"], ids=["absent", "blank", "space", "em space"])
@pytest.mark.parametrize(
    ("name", "default"),
    [("channel", "web"), ("messageId", "id-1"), ("originalTimestamp", INSTANT), ("sentAt", INSTANT)],
)
def test_a_default_stands_in_for_what_is_absent_or_blank(pixel: Pixel, name: str, default: str, blank: str) -> None:
    event = pixel.track(f"{name}{blank}" if blank else "")
    assert event[name] == default


@pytest.mark.parametrize("name", ["channel", "messageId", "originalTimestamp", "sentAt"])
def test_what_the_client_says_goes_before_a_default(pixel: Pixel, name: str) -> None:
    assert pixel.track(f"{name}=mine")[name] == "mine"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("type=page", ("type", "track"), id="type"),
        pytest.param("integrations.All=false&integrations.X=1", ("integrations", {"All": True}), id="integrations"),
        pytest.param("integrations=none", ("integrations", {"All": True}), id="integrations as a string"),
        pytest.param("receivedAt=1999-01-01T00:00:00.000Z", ("receivedAt", INSTANT), id="receivedAt"),
    ],
)
def test_the_server_owns_it_whatever_the_url_says(pixel: Pixel, query: str, expected: tuple[str, object]) -> None:
    name, value = expected
    assert pixel.track(query)[name] == value


@pytest.mark.parametrize("enrich", [(), None], ids=["without enrichers", "with client_context"])
def test_the_server_owns_the_ip_and_the_source_whatever_the_url_says(enrich: tuple[()] | None) -> None:
    pixel = Pixel() if enrich is None else Pixel(enrich=enrich)
    context = pixel.track("context.ip=6.6.6.6&context.source=forged&context.os.name=x")["context"]
    assert context.get("ip") == (None if enrich == () else "127.0.0.1")
    assert "source" not in context


def test_the_source_is_the_one_of_the_write_key() -> None:
    pixel = Pixel(write_keys={"k": "newsletter"})
    assert pixel.track("context.source=forged")["context"]["source"] == "newsletter"
    assert pixel.track("context=")["context"]["source"] == "newsletter"


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        pytest.param("%22abc%22", "abc", id="quoted, as AMP sends it"),
        pytest.param("+%22+abc+%22+", "abc", id="white space inside and outside"),
        pytest.param("%22%22abc%22%22", '"abc"', id="only one pair"),
        pytest.param("%22abc", '"abc', id="half a pair"),
        pytest.param("%22", '"', id="a single quote sign is no pair"),
        pytest.param("a%22b", 'a"b', id="inside"),
        pytest.param("%E2%80%83abc%C2%A0", "abc", id="other white space"),
    ],
)
def test_an_anonymous_id_loses_its_quotes_and_white_space(pixel: Pixel, spelled: str, expected: str) -> None:
    assert pixel.collected("/pixel/v1/page", f"writeKey=k&anonymousId={spelled}")["anonymousId"] == expected


def test_no_other_id_loses_its_quotes(pixel: Pixel) -> None:
    event = pixel.track("userId=+%22u%22+&messageId=+%22m%22+")
    assert (event["userId"], event["messageId"]) == ('"u"', '"m"')


@pytest.mark.parametrize("blank", ["", "+", "%22%22", "%22+%22"])
def test_a_blank_id_counts_as_absent(pixel: Pixel, blank: str) -> None:
    event = pixel.collected("/pixel/v1/page", f"writeKey=k&userId=u&anonymousId={blank}")
    assert "anonymousId" not in event
    refusal = pixel.refused(f"writeKey=k&anonymousId={blank}&userId=+", path="/pixel/v1/page")
    assert (refusal.code, refusal.path, refusal.rule) == ("invalid", "anonymousId", "anyOf")
    assert refusal.message == "anonymousId or userId is required"


@pytest.mark.parametrize(
    ("query", "expected"),
    [("name=", "Unknown Page"), ("name=+", "Unknown Page"), ("name", "Unknown Page"), ("name=Home", "Home")],
)
def test_a_blank_page_name_is_unknown(pixel: Pixel, query: str, expected: str) -> None:
    assert pixel.page(query)["name"] == expected


def test_an_absent_page_name_stays_absent(pixel: Pixel) -> None:
    assert "name" not in pixel.page("")


def test_only_pages_have_unknown_names(pixel: Pixel) -> None:
    assert pixel.track("name=")["name"] == ""


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1795437296.789, INSTANT),
        (951782400.0009, "2000-02-29T00:00:00.000Z"),
        (-0.5, "1969-12-31T23:59:59.500Z"),
    ],
)
def test_times_are_rfc_3339_in_utc_with_milliseconds(seconds: float, expected: str) -> None:
    assert rfc3339(seconds) == expected


def test_each_event_has_a_random_uuid_and_the_time_of_the_clock() -> None:
    events: list[Event] = []
    client = Pixel(app=PixelMiddleware(host_app, events.append)).client
    for _ in range(2):
        client.get("/other")
    collector = Collector(events.append)
    environ = {"QUERY_STRING": "writeKey=k&anonymousId=a", "REQUEST_METHOD": "GET"}
    ids = {collector.collect("page", environ)["messageId"] for _ in range(100)}
    assert len(ids) == 100
    assert all(uuid.UUID(each).version == 4 for each in ids)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", events[0]["receivedAt"])


def test_no_two_events_share_a_dict(pixel: Pixel) -> None:
    first, second = pixel.track(""), pixel.track("")
    first["integrations"]["All"] = False
    assert second["integrations"] == {"All": True}
