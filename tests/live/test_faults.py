"""No fault of the live view reaches a pixel's answer, or the application."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from pixelmw import Event, PixelMiddleware, Rejected
from pixelmw.live import LiveView
from tests.support.live_site import HERE, LiveClient
from tests.support.pixel import WholeClient, host_app


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


CIRCLE: dict[str, Any] = {}
CIRCLE["self"] = CIRCLE
SPOILED: dict[str, Any] = {
    "NaN": float("nan"),
    "a set": {1},
    "bytes": b"1",
    "a circle": CIRCLE,
    "deep": nested(100_000),
    "a name that is no string": {(1, 2): 3},
    "a long number": 10**5000,
}


@pytest.mark.parametrize("value", SPOILED.values(), ids=SPOILED)
def test_a_sink_may_leave_anything_in_the_event(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    def sink(event: Event) -> None:
        event["left"] = value

    client = LiveClient(sink=sink)
    assert client.send(userId="1", event="a") == 200
    assert client.send(userId="1") == 400
    counts = client.json("/events")["counts"]
    assert (counts["good"], counts["bad"], counts["not_shown"]) == (1, 1, 1)
    assert [entry["code"] for entry in client.json("/events")["events"]] == ["invalid"]


class Text(str):
    """A text of a class of its own, such as a template engine makes."""


def test_what_an_enricher_leaves_of_a_class_of_its_own_is_shown() -> None:
    def enrich(event: Event, request: object) -> None:
        event["event"] = Text(event["event"])

    client = LiveClient(enrich=(enrich,))
    assert client.send(userId="1", event="a") == 200
    assert client.json("/good")[0]["event"]["event"] == "a"


def test_a_refusal_of_a_class_of_its_own_that_cannot_be_read_is_counted() -> None:
    class Unreadable(Rejected):
        @property
        def query(self) -> str:
            raise RuntimeError("out of order")

    def refuse(event: Event, request: object) -> None:
        raise Unreadable("invalid", "no")

    client = LiveClient(enrich=(refuse,), on_reject=lambda refusal: None)
    assert client.send(userId="1", event="a") == 400
    counts = client.json("/events")["counts"]
    assert (counts["bad"], counts["not_shown"]) == (1, 1)


def test_what_ends_the_process_is_not_held_up() -> None:
    class Interrupting(dict[str, Any]):
        def items(self) -> Any:
            raise KeyboardInterrupt

    def sink(event: Event) -> None:
        event["left"] = Interrupting(a=1)

    client = LiveClient(sink=sink)
    with pytest.raises(KeyboardInterrupt):
        client.send(userId="1", event="a")


@pytest.mark.parametrize("fields", [{"event": "a"}, {}], ids=["good", "bad"])
def test_a_fault_in_what_shows_it_is_not_in_the_answer(monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]) -> None:
    plain = LiveClient()
    expected = plain.client.get("/pixel/v1/track", query_string={"userId": "1", **fields})
    broken = LiveClient()

    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("pixelmw.live.view.good_members", fail)
    monkeypatch.setattr("pixelmw.live.view.bad_members", fail)
    answer = broken.client.get("/pixel/v1/track", query_string={"userId": "1", **fields})
    assert (answer.status, answer.data, list(answer.headers)) == (
        expected.status,
        expected.data,
        list(expected.headers),
    )
    assert broken.json("/events")["counts"]["not_shown"] == 1


def test_a_fault_in_its_own_answer_is_a_500_that_says_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            if name == "QUERY_STRING":
                raise RuntimeError("the secret of the environ")
            return super().get(name, default)

    live = LiveView()
    environ = Broken(HERE, REQUEST_METHOD="GET", PATH_INFO="/_pixelmw/events", SERVER_PROTOCOL="HTTP/1.1")
    answer = live.answer(environ)
    assert (answer.status, b"secret" in answer.body) == (500, False)
    assert "the live view failed" in caplog.text


@pytest.mark.parametrize("path", ["/", "/_pixel", "/_pixelmw2", "/_pixelmw/other", "/_pixelmw/all/", "//_pixelmw"])
def test_a_path_of_the_application_stays_its_own(client: LiveClient, path: str) -> None:
    assert client.client.get(path, environ_overrides=HERE).data == b"the host application"


def test_without_a_live_view_its_paths_are_the_applications() -> None:
    client = WholeClient(PixelMiddleware(host_app, print))
    assert client.get("/_pixelmw", environ_overrides=HERE).data == b"the host application"


ANSWERS: dict[str, dict[str, Any]] = {
    "good": {"query_string": {"userId": "1", "event": "a", "writeKey": "k"}},
    "no key": {"query_string": {"userId": "1", "event": "a"}},
    "bad": {"query_string": {"userId": "1", "writeKey": "k"}},
    "post": {"method": "POST"},
    "head": {"method": "HEAD"},
    "options": {"method": "OPTIONS"},
}


@pytest.mark.parametrize("reply", ["gif", "ok", "auto", "always-gif"])
@pytest.mark.parametrize("request_options", ANSWERS.values(), ids=ANSWERS)
def test_no_answer_of_a_pixel_is_different(reply: Any, request_options: dict[str, Any]) -> None:
    def answer(**options: Any) -> tuple[str, bytes, list[tuple[str, str]]]:
        middleware = PixelMiddleware(host_app, lambda event: None, reply=reply, on_reject=lambda _: None, **options)
        found = WholeClient(middleware).open("/pixel/v1/track", **request_options)
        return found.status, found.data, list(found.headers)

    assert answer(live=LiveView()) == answer()


def test_threads_lose_nothing_and_see_whole_answers() -> None:
    client = LiveClient(LiveView(limit=50))
    answers: list[Any] = []

    def send(thread: int) -> None:
        for number in range(100):
            client.send(userId=str(thread), event=f"{number}")

    def look() -> None:
        while sending.is_set():
            answers.append(json.loads(client.ask("/events").data))

    sending = threading.Event()
    sending.set()
    looking = threading.Thread(target=look)
    looking.start()
    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    sending.clear()
    looking.join(60)
    assert client.json("/all") == {"total": 400, "good": 400, "bad": 0}
    for answer in answers:
        numbers = [entry["number"] for entry in answer["events"]]
        assert numbers == sorted(numbers, reverse=True)
        assert len(numbers) <= 50
        assert answer["counts"]["good"] == answer["last"] == len(numbers) + answer["counts"]["fell_out"]
