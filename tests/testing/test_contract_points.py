"""Single points of the contract: what each says to a sink that breaks it in a rarer way, and to one in order."""

from __future__ import annotations

import json
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.sinks import JSONLines, PartialFailure, Unavailable, Undeliverable
from pixelmw.testing.contract.bench import Skip
from tests.support.broken_sinks import MOST_CHARS, Store
from tests.support.one_point import CLOSE, DOWN, LARGE, changed, found
from tests.support.processes import lines

ALONE = "what it never takes is refused alone"
TOGETHER = "threads may call it at the same time"
COPIES = "what happens to an event after the call does not reach the store"


def test_who_takes_no_second_batch_is_told() -> None:
    def write(self: Store, events: Sequence[Event]) -> None:
        if self.texts:
            raise ValueError("one batch is enough")
        Store.write(self, events)

    said = found("the list of a batch is neither changed nor kept", changed(write=write))
    assert "a batch of 4 was refused with ValueError" in said


def test_who_names_places_that_no_batch_has_is_told_once_for_each_batch() -> None:
    def write(self: Store, events: Sequence[Event]) -> None:
        Store.write(self, events)
        raise PartialFailure({len(events): None})

    assert found("a batch is stored whole and in order", changed(write=write)).count("Count from 0") == 5


def test_who_takes_what_it_says_that_it_refuses_is_told() -> None:
    said = found(ALONE, changed(most_chars=10**6), refuses=LARGE)
    assert "was taken, though the flag refuses names it. Raise Undeliverable" in said


def test_who_refuses_an_event_as_if_the_destination_were_away_is_told() -> None:
    def call(self: Store, event: Event) -> None:
        if len(json.dumps(event)) > MOST_CHARS:
            raise Unavailable("no room")
        self.write([event])

    said = found(ALONE, changed(__call__=call), refuses=LARGE)
    assert "means the destination, for now: a wrapper waits, and sends it again, for ever" in said


class Function:
    """A sink without ``write``, in order, which refuses what is large."""

    def __init__(self) -> None:
        self.store = Store()
        self.read_back, self.down = self.store.read_back, self.store.down

    def __call__(self, event: Event) -> None:
        try:
            self.store.write([event])
        except PartialFailure as failure:
            raise Undeliverable("too large") from failure.failures[0]


@pytest.mark.parametrize(
    "point",
    [
        *(ALONE, DOWN, CLOSE, "what it raises shows nothing of the event"),
        *("what it never takes is refused alone among threads", "while it is down each thread hears of it"),
    ],
)
def test_a_sink_without_batches_is_in_order(point: str) -> None:
    sink = Function()
    if point == CLOSE:
        with pytest.raises(Skip, match="no close"):
            found(point, sink)
    else:
        assert found(point, sink, refuses=LARGE, break_it=sink.down) == ""


def test_who_names_no_place_while_it_is_down_is_told() -> None:
    def write(self: Store, events: Sequence[Event]) -> None:
        if self.is_down:
            raise PartialFailure({len(events): Unavailable("down")})
        Store.write(self, events)

    sink = changed(write=write)
    assert "Count from 0" in found(DOWN, sink, break_it=sink.down)


def test_who_can_be_used_with_with_alone_is_in_order() -> None:
    class OnlyWith(Function):
        """Has no ``close``."""

        def __enter__(self) -> OnlyWith:
            return self

        def __exit__(self, *details: object) -> None:
            pass

    assert found(CLOSE, OnlyWith()) == ""


def test_a_sink_that_hands_write_on_survives_a_fork_in_the_middle_of_a_call(tmp_path: Path) -> None:
    class HandsOn:
        """Has ``write`` from another sink, and none in its class."""

        def __init__(self, store: JSONLines) -> None:
            self.store, self.write = store, store.write

        def __call__(self, event: Event) -> None:
            self.store(event)

    path = tmp_path / "events.jsonl"
    with JSONLines(path) as store:
        said = found(
            "a fork in the middle of a call loses nothing", HandsOn(store), lambda: lines(path), survives_fork=True
        )
    assert said == ""


def test_who_cannot_be_used_after_close_may_say_so() -> None:
    def close(self: Store, timeout: float | None = None) -> None:
        self.is_down = True

    assert "after close" in found(CLOSE, changed(close=close))
    assert found(CLOSE, changed(close=close), reopens=False) == ""


def test_who_takes_nothing_from_any_other_thread_is_told() -> None:
    main = threading.get_ident()

    def call(self: Store, event: Event) -> None:
        if threading.get_ident() != main:
            raise Unavailable("busy")
        self.write([event])

    assert "with 16 threads, not one event was taken" in found(TOGETHER, changed(__call__=call))


def test_who_raises_in_close_beside_its_calls_is_told() -> None:
    def close(self: Store, timeout: float | None = None) -> None:
        raise OSError("not now")

    said = found("visitors and a worker and close may meet", changed(close=close))
    assert "close raised OSError('not now'). Let it wait for the calls that are under way" in said


def test_a_timeout_that_is_long_and_cannot_be_set_is_a_reason_not_to_wait_for_it() -> None:
    with pytest.raises(Skip, match="its timeout is 60 seconds, which is long for a test, and cannot be set"):
        found("while a call hangs nobody waits for ever", changed(timeout=property(lambda self: 60.0)))


@pytest.mark.parametrize("container", [list, deque])
def test_a_list_is_a_sink_though_it_keeps_what_it_is_given(container: Callable[[], Any]) -> None:
    events = container()
    for sink in events.append, lambda event: events.append(event):
        with pytest.raises(Skip, match="keeps the very dict that it is given"):
            found(COPIES, sink, lambda: list(events))


def test_a_queue_is_a_sink_though_it_keeps_what_it_is_given() -> None:
    events: queue.Queue[Event] = queue.Queue()
    with pytest.raises(Skip, match="keeps the very dict that it is given"):
        found(COPIES, events.put, lambda: list(events.queue))


def test_what_is_stored_may_be_read_back_one_after_the_other() -> None:
    sink = Store()

    def read_back() -> Iterator[Event]:
        yield from sink.read_back()

    assert found("a batch is stored whole and in order", sink, read_back) == ""


def test_a_number_that_is_no_double_is_another_number() -> None:
    number: float = 10**400

    def write(self: Store, events: Sequence[Event]) -> None:
        for event in events:
            for name, value in event["properties"].items():
                if type(value) is float:
                    event["properties"][name] = number
        Store.write(self, events)

    assert "came back changed" in found("awkward text and numbers come back as they were", changed(write=write))
