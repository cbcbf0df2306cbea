"""A data plane that refuses a set of events, for its size or for one of them, has refused none of the others."""

from __future__ import annotations

import random
import string

import pytest

from pixelmw import Event
from pixelmw.delivery import Background, Retry
from pixelmw.sinks.base import PartialFailure, SinkError, Undeliverable, store
from pixelmw.sinks.http import HTTP
from tests.support import http_server
from tests.support.gateways import Small, Sulking
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


@pytest.mark.parametrize("says_so", [True, False])
def test_a_proxy_that_takes_less_and_reads_no_more_refuses_only_what_is_too_large_alone(
    server: DataPlane, sink: HTTP, says_so: bool
) -> None:
    server.gateway = Small(10_000, says_so=says_so)  # of gzip
    events = [each | {"properties": {"text": noise(1000, seed)}} for seed, each in enumerate(EVENTS)]
    large = event("large") | {"properties": {"text": noise(15_000, 60)}}
    with pytest.raises(PartialFailure) as caught:
        store(sink, [*events[:40], large, *events[40:]])
    (error,) = caught.value.failures.values()
    # Where the connection was closed with what nobody had read, the answer may have been lost on its way.
    assert type(error) in ((Undeliverable, SinkError) if says_so else (SinkError,))
    assert list(caught.value.failures) == [40]
    assert server.ids() == IDS


def test_a_connection_on_which_a_set_was_refused_is_not_used_again(server: DataPlane, sink: HTTP) -> None:
    server.gateway = Sulking(10_000)  # of gzip
    large = event("large") | {"properties": {"text": noise(15_000, 60)}}
    with pytest.raises(PartialFailure) as caught:
        store(sink, [*EVENTS[:3], large, *EVENTS[3:]])
    assert {place: type(error) for place, error in caught.value.failures.items()} == {3: Undeliverable}
    assert server.ids() == IDS


def test_an_outage_that_looks_like_it_costs_few_requests(server: DataPlane, sink: HTTP) -> None:
    server.gateway = Small(0, says_so=False)
    events = [each | {"properties": {"text": noise(1000, seed)}} for seed, each in enumerate(EVENTS)]
    with pytest.raises(PartialFailure, match="did not answer") as caught:
        store(sink, events)
    assert len(caught.value.failures) == 60
    assert server.connections < 8


def noise(size: int, seed: int) -> str:
    """So many characters that gzip makes little smaller."""
    return "".join(random.Random(seed).choices(string.printable[:94], k=size))
