"""A data plane's verdict on the client, such as for a key that was replaced, is none on the events."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Retry, Spool
from pixelmw.sinks.base import Unavailable, Undeliverable
from pixelmw.sinks.http import HTTP
from tests.support import http_server
from tests.support.http_server import KEY, Answer, DataPlane, works_again
from tests.support.processes import event, wait_until

server, sink = http_server.server, http_server.sink

# What each says an operator has to do.
ADVICE = {
    401: "give the sink the one that the source has now",
    402: "look at the account",
    403: "is the source switched off",
    404: "is the URL right",
    405: "is the URL right",
    407: "put them into the URL of the proxy",
    410: "is the URL right",
    415: "is the URL right",
}
MARKER = "jo.marker@secret.example"


@pytest.mark.parametrize(("status", "words"), ADVICE.items())
@pytest.mark.parametrize("count", [1, 30], ids=["alone", "together"])
def test_a_verdict_on_the_client_is_unavailable_and_says_what_to_do(
    server: DataPlane, sink: HTTP, status: int, words: str, count: int
) -> None:
    server.script.append(Answer(status, {"Retry-After": "7"}))
    with pytest.raises(Unavailable, match=f"/v1/batch answered {status}; .*{words}") as caught:
        sink.write([event(str(number)) for number in range(count)])
    assert caught.value.retry_after == 7
    assert len(server.requests) == 1
    assert works_again(server, sink)


@pytest.mark.parametrize("status", [406, 411, 414, 417, 421, 423, 424, 426, 428, 431])
def test_what_no_event_can_be_the_reason_of_is_unavailable(server: DataPlane, sink: HTTP, status: int) -> None:
    server.script.append(Answer(status))
    with pytest.raises(Unavailable, match=str(status)):
        sink(event("1"))


@pytest.mark.parametrize("wrapper", ["background", "spool"])
def test_a_key_that_was_replaced_costs_one_request_a_pause_and_no_event(
    server: DataPlane, tmp_path: Path, wrapper: str, caplog: pytest.LogCaptureFixture
) -> None:
    dead: list[Event] = []
    http = HTTP(server.url, KEY)
    retry = Retry(first=0.05, cap=0.1)
    right, server.authorization = server.authorization, "Basic another"
    asked: list[float] = []
    server.on_refused = lambda: asked.append(time.monotonic())
    sink: Background | Spool
    if wrapper == "background":
        sink = Background(http, max_delay=0.0, retry=retry, dead_letter=dead.append)
    else:
        sink = Spool(tmp_path / "spool", http, retry=retry)
    with sink:
        for number in range(500):
            sink(event(str(number)))
        wait_until(lambda: len(asked) >= 10)
        # Each try waits for a pause of at most 0.1 s, on average 0.05 s: many more would be a try without one.
        assert len(asked) <= 10 + (time.monotonic() - asked[0]) / 0.01
        server.authorization = right
        assert sink.flush(30)
    assert sorted(server.ids(), key=int) == [str(number) for number in range(500)]
    assert not dead
    assert not [*tmp_path.glob("spool/dead/*")]
    [line] = [record for record in caplog.records if "give the sink the one that the source has now" in record.message]
    assert line.levelno == logging.WARNING


# --- what an answer quotes ---


def test_a_refusal_that_quotes_the_event_shows_no_part_of_it(
    server: DataPlane, sink: HTTP, caplog: pytest.LogCaptureFixture
) -> None:
    bad = event("id-of-the-event") | {
        "event": f"Signed\nERROR forged {MARKER}",
        "properties": {"phone": 41791234567, "address": f"Rue & \"{MARKER}\" 'x'", f"name {MARKER}": 1},
    }
    server.script.append(Answer(400, manner="echo"))
    with caplog.at_level(logging.DEBUG), pytest.raises(Undeliverable) as caught:
        sink(bad)
    said = f"{caught.value!r} {caught.value} {caplog.text}"
    assert "answered 400" in said
    for part in (MARKER, "jo.marker", "41791234567", "forged", "id-of-the-event", "\nERROR"):
        assert part not in said


def test_a_server_that_is_none_and_says_what_it_was_sent_shows_no_part_of_it(server: DataPlane, sink: HTTP) -> None:
    server.script.append(Answer(400, body=f"{MARKER} is not welcome".encode(), manner="raw"))
    with pytest.raises(Unavailable, match="is not welcome") as caught:
        sink(event("1") | {"userId": MARKER})
    assert "marker" not in str(caught.value)
