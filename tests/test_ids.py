"""Ids that say nothing count as absent, so that no visitor stands for all, and what should be an object is one."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug import Request

from pixelmw import Event
from pixelmw.sinks import SQLite
from tests.support.pixel import Pixel

TRACK = "/pixel/v1/track"
# What a template, a script or a mail tool sends that had no value to send.
NOTHING = [
    "%00", "%EF%BF%BD", "%E2%80%8B", "%C2%AD", "%E3%85%A4", "%FF", "undefined", "null", "NaN", "None", "+undefined%0A",
    "[object+Object]", "%7B%7Bmessage_id%7D%7D", "${id}", "*|UNIQID|*", "%25%25subscriberid%25%25", "{subscriber.id}",
    "[[id]]", "#{id}", "[%25+id+%25]", "open-%7B%7Bcampaign%7D%7D", "%E2%80%8Bnull%E2%80%8B", "a*|b|*c",
]  # fmt: skip
ID_FIELDS = ["messageId", "anonymousId", "userId", "groupId", "previousId"]


@pytest.mark.parametrize("name", ID_FIELDS)
@pytest.mark.parametrize("value", NOTHING)
def test_an_id_that_says_nothing_counts_as_absent(pixel: Pixel, name: str, value: str) -> None:
    user = "anonymousId=a" if name == "userId" else "userId=u"
    event = pixel.collected(TRACK, f"writeKey=k&event=e&{user}&{name}={value}")
    assert event.get(name) == ("id-1" if name == "messageId" else None)


@pytest.mark.parametrize("value", NOTHING)
def test_nobody_is_known_by_an_id_that_says_nothing(pixel: Pixel, value: str) -> None:
    refusal = pixel.refused(f"writeKey=k&event=e&userId={value}&anonymousId=%22{value}%22")
    assert (refusal.code, refusal.path, refusal.rule) == ("invalid", "anonymousId", "anyOf")


@pytest.mark.parametrize("name", ["name", "category", "properties.x", "context.x", "channel"])
@pytest.mark.parametrize("value", ["undefined", "{{x}}", "[object Object]"])
def test_anywhere_else_such_a_text_is_kept_as_it_was_sent(pixel: Pixel, name: str, value: str) -> None:
    found: Any = pixel.page(f"{name}={value}")
    for segment in name.split("."):
        found = found[segment]
    assert found == value


@pytest.mark.parametrize(
    ("spelled", "kept"),
    [
        ("%00ric", "\ufffdric"),
        ("%E2%80%8B42%EF%BB%BF", "42"),
        ("%07+42+%7F", "42"),
        ("undefined1", "undefined1"),
        ("0", "0"),
        ("a%E2%80%8Bb", "a\u200bb"),
    ],
)
@pytest.mark.parametrize("name", ID_FIELDS)
def test_an_id_that_says_something_loses_only_what_nobody_sees(
    pixel: Pixel, name: str, spelled: str, kept: str
) -> None:
    assert pixel.track(f"{name}={spelled}".replace("anonymousId=a&", ""))[name] == (
        kept if name != "anonymousId" else "a"
    )
    assert pixel.collected(TRACK, f"writeKey=k&event=e&userId=u&{name}={spelled}" if name != "userId" else
                           f"writeKey=k&event=e&userId={spelled}")[name] == kept  # fmt: skip


def test_quotes_of_amp_may_stand_around_what_is_invisible(pixel: Pixel) -> None:
    query = "writeKey=k&anonymousId=%E2%80%8B%22%E2%80%8Bamp-x%00%22"
    assert pixel.collected("/pixel/v1/page", query)["anonymousId"] == "amp-x\ufffd"


def test_visitors_without_an_id_of_their_own_are_rows_of_their_own(tmp_path: Any) -> None:
    with SQLite(tmp_path / "events.db") as store:
        pixel = Pixel(sink=store)
        for value in ("%00", "{{message_id}}", "undefined"):
            for visitor in "abc":
                query = f"writeKey=k&event=e&anonymousId={visitor}&messageId={value}"
                assert pixel.get(TRACK, query).status_code == 200
        assert pixel.middleware.stats() == {"accepted": 9, "repeated": 0}


OBJECTS = ["context", "properties", "traits"]


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("value", ["", "+", "%00", "undefined", "null", "{{x}}", "%E2%80%8B"])
@pytest.mark.parametrize("enrich", [(), None], ids=["without enrichers", "with client_context"])
def test_what_should_be_an_object_and_says_nothing_is_removed(name: str, value: str, enrich: Any) -> None:
    pixel = Pixel() if enrich is None else Pixel(enrich=enrich)
    event = pixel.track(f"{name}={value}")
    assert event.get(name) == ({"ip": "127.0.0.1"} if enrich is None else {} if name == "context" else None) or (
        name != "context" and name not in event
    )


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize(("value", "shown"), [("=x", '"x"'), (".0=x", '["x"]'), (f"={'x' * 100}", f'"{"x" * 64}…"')])
def test_what_should_be_an_object_and_is_not_is_refused_before_any_enricher_runs(
    name: str, value: str, shown: str
) -> None:
    called: list[Event] = []

    def look(event: Event, request: Request) -> None:
        called.append(event)

    pixel = Pixel(enrich=[look], schemas={"track": {}}, reply="ok")
    response = pixel.get(TRACK, f"writeKey=k&userId=u&event=e&{name}{value}")
    (refusal,) = pixel.refusals
    assert (response.status_code, response.text) == (400, f'{name} must be of type "object"; it is {shown}')
    assert (refusal.code, refusal.path, refusal.rule, refusal.event_type) == ("invalid", name, "type", "track")
    assert refusal.event is not None
    assert refusal.event["userId"] == "u"
    assert called == []


def test_an_enricher_finds_an_object_for_its_context_whatever_came() -> None:
    def add(event: Event, request: Request) -> None:
        event["context"]["seen"] = True

    for query in ("", "context=", "context=undefined", "context.x=1", "context=&context.x=1"):
        assert Pixel(enrich=[add]).track(query)["context"]["seen"] is True
