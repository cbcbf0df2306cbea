"""A data plane that refuses a set of events, for its size or for one of them, has refused none of the others."""

from __future__ import annotations

import random

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Retry
from pixelmw.sinks.base import PartialFailure, Undeliverable, store
from pixelmw.sinks.http import HTTP
from tests.support import http_server
from tests.support.http_server import Answer, DataPlane
from tests.support.processes import event

server, sink = http_server.server, http_server.sink
EVENTS = [event(f"{number:02}") for number in range(60)]
IDS = [each["messageId"] for each in EVENTS]
RETRY = Retry(first=0.01, cap=0.02)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_visitors_whose_set_was_refused_are_stored_in_smaller_ones(server: DataPlane, sink: HTTP, status: int) -> None:
    server.script += [Answer(status)] * 3
    store(sink, EVENTS)
    assert server.ids() == IDS
    assert [len(request.payload["batch"]) for request in server.requests[:4]] == [60, 30, 15, 7]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_queue_whose_set_was_refused_sends_smaller_ones_and_makes_no_dead_letter(
    server: DataPlane, sink: HTTP, status: int
) -> None:
    dead: list[Event] = []
    server.script += [Answer(status)] * 3
    # Only a set that is full, or a flush, is sent.
    with Background(sink, retry=RETRY, max_delay=60.0, dead_letter=dead.append) as queue:
        for each in EVENTS:
            queue(each)
        assert queue.flush(30)
    assert len(server.requests[0].payload["batch"]) == 60
    assert not dead
    assert sorted(server.ids()) == IDS


@pytest.mark.parametrize("status", [400, 413, 422])
def test_the_one_event_that_is_refused_is_found(server: DataPlane, sink: HTTP, status: int) -> None:
    server.refusal = Answer(status)
    bad = event("bad") | {"event": "refused"}
    with pytest.raises(PartialFailure) as caught:
        store(sink, [*EVENTS[:40], bad, *EVENTS[40:]])
    assert {place: type(error) for place, error in caught.value.failures.items()} == {40: Undeliverable}
    assert server.ids() == IDS
    dead: list[Event] = []
    with Background(sink, retry=RETRY, max_delay=0.0, dead_letter=dead.append) as queue:
        for each in (event("before"), bad, event("after")):
            queue(each)
        assert queue.flush(30)
    assert [each["messageId"] for each in dead] == ["bad"]
    assert sorted(server.ids()) == sorted([*IDS, "before", "after"])


def test_a_proxy_that_takes_less_and_reads_no_more_refuses_only_what_is_too_large_alone(
    server: DataPlane, sink: HTTP
) -> None:
    server.most_bytes = 3000  # in gzip
    texts = [random.Random(number).randbytes(400).hex() for number in range(60)]
    events = [each | {"properties": {"text": text}} for each, text in zip(EVENTS, texts, strict=True)]
    large = event("large") | {"properties": {"text": "".join(texts[:10])}}
    with pytest.raises(PartialFailure) as caught:
        store(sink, [*events[:40], large, *events[40:]])
    assert {place: type(error) for place, error in caught.value.failures.items()} == {40: Undeliverable}
    assert server.ids() == IDS
