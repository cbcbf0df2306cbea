"""What the HTTP sink sends, to a real server."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pixelmw.sinks.base import PartialFailure, Unavailable, Undeliverable
from pixelmw.sinks.http import HTTP
from tests.support import http_server
from tests.support.http_server import KEY, Answer, DataPlane
from tests.support.processes import event, run, store_from_threads, wait_until

MOST_EVENT, MOST_BATCH, MOST_EVENTS = 32_000, 500_000, 2500
EMPTY_BATCH = len('{"batch":[],"sentAt":"2026-11-23T12:34:56.789Z"}')


def sized(message_id: str, size: int) -> dict[str, Any]:
    """Return an event with exactly *size* bytes of JSON."""
    return event(message_id, size - len(json.dumps(event(message_id), separators=(",", ":"))))


server, sink = http_server.server, http_server.sink


def test_an_event_is_sent_unchanged_in_a_batch_that_says_when(server: DataPlane, sink: HTTP) -> None:
    sent = event("1") | {"sentAt": "2001-01-01T00:00:00.000Z", "userId": "ü€𝄞", "properties": {"n": 1.5, "x": None}}
    sink(sent)
    (request,) = server.requests
    assert request.path == "/v1/batch"
    assert request.payload["batch"] == [sent]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ", request.payload["sentAt"])
    assert set(request.payload) == {"batch", "sentAt"}


def test_a_batch_is_one_request_and_an_empty_one_is_none(server: DataPlane, sink: HTTP) -> None:
    sink.write([event(str(number)) for number in range(100)])
    sink.write([])
    assert len(server.requests) == 1
    assert server.ids() == [str(number) for number in range(100)]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_means_stored(server: DataPlane, sink: HTTP, status: int) -> None:
    server.script.append(Answer(status, body=b""))
    sink(event("1"))
    assert server.ids() == ["1"]


@pytest.mark.parametrize("path", ["", "/", "/prefix", "/prefix/", "/a/b%20c/"])
def test_the_url_may_have_a_path(server: DataPlane, path: str) -> None:
    with HTTP(server.url + path, KEY) as sink:
        sink(event("1"))
    assert server.requests[0].path == path.rstrip("/") + "/v1/batch"


def test_one_connection_serves_many_requests_and_is_closed(server: DataPlane, sink: HTTP) -> None:
    for number in range(10):
        sink(event(str(number)))
    server.script += [Answer(400, body=b"x" * 1000), Answer(503)]
    for error in (Undeliverable, Unavailable):
        with pytest.raises(error):
            sink(event("refused"))
    assert server.connections == 1
    assert sink.flush(0)
    sink.close()
    wait_until(lambda: not server.connected)
    sink(event("10"))
    assert server.connections == 2


def test_threads_send_at_once(server: DataPlane, sink: HTTP) -> None:
    expected = store_from_threads(sink)
    assert sorted(server.ids()) == expected
    assert server.connections <= 16


_FORK = """
import os, sys
from pixelmw.sinks.http import HTTP
from tests.support.processes import event

sink = HTTP(sys.argv[1], sys.argv[2])
sink(event("before"))
pid = os.fork()
if pid:
    assert os.waitpid(pid, 0)[1] == 0
for number in range(20):
    sink(event(f"{'parent' if pid else 'child'}-{number}"))
"""


def test_a_child_has_connections_of_its_own(server: DataPlane) -> None:
    run(_FORK, server.url, KEY)
    assert server.ids() == ["before", *(f"{name}-{number}" for name in ("child", "parent") for number in range(20))]
    assert server.connections == 2


def test_a_request_is_as_large_as_it_may_be_and_no_larger(server: DataPlane, sink: HTTP) -> None:
    events = [sized(str(number), 20_000) for number in range(24)]
    last = MOST_BATCH - EMPTY_BATCH - len(events) * 20_001
    sink.write([*events, sized("24", last)])
    assert [request.size for request in server.requests] == [MOST_BATCH]
    server.requests.clear()
    sink.write([*events, sized("24", last + 1)])
    assert [len(request.payload["batch"]) for request in server.requests] == [24, 1]


def test_a_request_has_at_most_2500_events(server: DataPlane, sink: HTTP) -> None:
    ids = [str(number) for number in range(2 * MOST_EVENTS + 1)]
    sink.write([{"messageId": message_id} for message_id in ids])
    assert [len(request.payload["batch"]) for request in server.requests] == [MOST_EVENTS, MOST_EVENTS, 1]
    assert server.ids() == ids


def test_a_split_batch_arrives_whole_and_in_order(server: DataPlane, sink: HTTP) -> None:
    ids = [str(number) for number in range(300)]
    sink.write([sized(message_id, 1000 + 97 * (int(message_id) % 300)) for message_id in ids])
    assert server.ids() == ids
    assert len(server.requests) > 5
    assert max(request.size for request in server.requests) <= MOST_BATCH


def test_an_event_is_as_large_as_it_may_be(server: DataPlane, sink: HTTP) -> None:
    sink(sized("fits", MOST_EVENT))
    with pytest.raises(Undeliverable, match="32001 bytes"):
        sink(sized("large", MOST_EVENT + 1))
    assert server.ids() == ["fits"]


def test_size_is_counted_in_bytes_not_in_characters(server: DataPlane, sink: HTTP) -> None:
    with pytest.raises(Undeliverable, match="bytes"):
        sink({"messageId": "1", "text": "€" * 11_000})
    assert not server.requests


def test_events_that_cannot_be_sent_are_named_and_all_others_are_sent(server: DataPlane, sink: HTTP) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    events = [
        event("0"),
        sized("1", MOST_EVENT + 1),
        event("2"),
        {"messageId": "3", "n": float("nan")},
        {"messageId": "4", "half": "\ud800"},
        {"messageId": "5", "object": object()},
        {"messageId": "6", "deep": deep},
        event("7"),
    ]
    with pytest.raises(PartialFailure) as caught:
        sink.write(events)
    assert {place: type(error) for place, error in caught.value.failures.items()} == dict.fromkeys(
        (1, 3, 4, 5, 6), Undeliverable
    )
    assert server.ids() == ["0", "2", "7"]


def test_a_batch_of_nothing_but_too_large_events_sends_nothing(server: DataPlane, sink: HTTP) -> None:
    with pytest.raises(PartialFailure) as caught:
        sink.write([sized("0", MOST_EVENT + 1), sized("1", MOST_EVENT + 2)])
    assert list(caught.value.failures) == [0, 1]
    with pytest.raises(Undeliverable):
        sink.write([sized("0", MOST_EVENT + 1)])
    assert not server.requests


@pytest.mark.parametrize(
    "url",
    ["", "data.example", "/v1", "ftp://data.example", "http://", "https:///path", "http://data.example:port",
     "http://data.example/?a=1", "http://data.example/#a", "http://user:secret@data.example"],
)  # fmt: skip
def test_what_is_no_url_of_a_data_plane_is_refused_unquoted(url: str) -> None:
    with pytest.raises(ValueError, match="data_plane_url must be") as caught:
        HTTP(url, KEY)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "  ", "a:b", None])
def test_a_write_key_that_cannot_be_one_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match="write_key"):
        HTTP("https://data.example", key)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_timeout_has_to_bound_something(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        HTTP("https://data.example", KEY, timeout=timeout)


def test_without_urllib3_the_import_says_what_to_install() -> None:
    script = """
import sys
sys.modules["urllib3"] = None
try:
    import pixelmw.sinks.http
except ImportError as error:
    print(*str(error).split())
"""
    assert "pixelmw[http]" in run(script)
