"""The words for the rarer ways to break the contract, each told to a sink with one method that is not in order."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pixelmw import Event
from pixelmw.sinks import PartialFailure, Unavailable, Undeliverable
from pixelmw.testing import check_sink
from tests.support.broken_sinks import MOST_CHARS, Store

# Each puts a sink through the contract: all but one without the points about threads, which take most of the time.
pytestmark = pytest.mark.slow

LARGE = {"properties": {"text": "x" * MOST_CHARS}}


def raises(error: BaseException) -> Callable[..., Any]:
    def method(*arguments: object) -> None:
        raise error

    return method


def take_apart(self: Store, events: list[Event]) -> None:
    while events:
        Store.write(self, [events.pop(0)])


def refuse_batches(self: Store, events: Sequence[Event]) -> None:
    if len(events) > 1:
        raise Unavailable("one at a time")
    Store.write(self, events)


def refuse_repeated(self: Store, events: Sequence[Event]) -> None:
    known = [event["messageId"] for event in self.read_back()] + [event["messageId"] for event in events]
    if any(known.count(event["messageId"]) > 1 for event in events):
        raise KeyError("UNIQUE constraint failed")
    Store.write(self, events)


def refuse_some(self: Store, events: Sequence[Event]) -> None:
    last = len(events) - 1
    Store.write(self, events[:1] if last > 5 else events)
    if last > 5:
        raise PartialFailure(dict.fromkeys(range(1, last + 1)))


def rename_failures(failures: Callable[[int], object]) -> Callable[..., None]:
    def write(self: Store, events: Sequence[Event]) -> None:
        try:
            Store.write(self, events)
        except PartialFailure:
            failure = PartialFailure({})
            failure.failures = failures(len(events))  # type: ignore[assignment]  # that is what is wrong with it
            raise failure from None

    return write


def blame_neighbours(self: Store, events: Sequence[Event]) -> None:
    texts = [len(json.dumps(event)) for event in events]
    if max(texts) > MOST_CHARS:
        raise PartialFailure(dict.fromkeys(range(len(events)), Undeliverable("one of these")))
    Store.write(self, events)


def raise_though_stored(self: Store, events: Sequence[Event]) -> None:
    self.most_chars = 10**6
    Store.write(self, events)
    if any(len(json.dumps(event)) > MOST_CHARS for event in events):
        raise Undeliverable("too large, and yet stored")


def refuse_with_value_error(self: Store, events: Sequence[Event]) -> None:
    if any(len(json.dumps(event)) > MOST_CHARS for event in events):
        raise ValueError("too large")
    Store.write(self, events)


def invent(self: Store, events: Sequence[Event]) -> None:
    Store.write(self, [*events, {"type": "header"}])


def lose_the_id(self: Store, events: Sequence[Event]) -> None:
    Store.write(self, [{**event, "messageId": "x"} for event in events])


def die_in_a_child(pid: int) -> Callable[..., None]:
    def write(self: Store, events: Sequence[Event]) -> None:
        if os.getpid() != pid:
            os._exit(3)
        Store.write(self, events)

    return write


WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "flush of nothing": ({"flush": lambda self, timeout=None: None}, "returned None. Let it return True once"),
    "flush that is never done": ({"flush": lambda self, timeout=None: False}, "though nothing was in the way"),
    "flush that raises": ({"flush": raises(OSError("gone"))}, r"flush\(10\) raised OSError.*Let it return False"),
    "flush that needs a time": ({"flush": lambda self, timeout: True}, r"flush\(\) raised TypeError.*a default"),
    "close that raises": ({"close": raises(OSError("gone"))}, r"close raised OSError.*Let it close what is open"),
    "with that gives nothing": ({"__enter__": lambda self: None}, "let __enter__ return self"),
    "with that raises": ({"__enter__": raises(OSError("gone"))}, "within with, .*gone"),
    "list taken apart": (
        {"write": take_apart, "lanes": None},  # in turns, a write is given a list of its own
        r"changed the list that it was given.*change list\(events\) instead",
    ),
    "batches refused": ({"write": refuse_batches}, r"a batch of 12 was refused with Unavailable"),
    "batches refused in part": (
        {"write": refuse_some},
        r"of a batch of 12, 11 were not stored: .*was refused with Par",
    ),
    "repeated refused": (
        {"write": refuse_repeated},
        "A client and a wrapper that heard no answer send it again, for ever: take it",
    ),
    "a batch with one twice": ({"write": refuse_repeated}, r"a batch that has .* twice was refused with KeyError"),
    "failures in a list": ({"write": rename_failures(lambda count: [1])}, r"PartialFailure has \[1\]\. Give a dict"),
    "no failures": ({"write": rename_failures(lambda count: {})}, "names no event. Return, if all are stored"),
    "neighbours blamed": ({"write": blame_neighbours}, r"because .* beside it is refused.*Store the others"),
    "stored and raised": ({"write": raise_though_stored}, r"is there, though its call raised Undeliverable"),
    "another error": ({"write": refuse_with_value_error}, r"says nothing of whose fault it is.*Raise pixelmw.*Undeliv"),
    "invented": ({"write": invent}, "came back, and was never sent. Store nothing else"),
    "another id": ({"write": lose_the_id}, r"messageId: sent '.*', came back as 'x'"),
    "unreadable": ({"read_back": raises(OSError("torn"))}, r"read_back raised OSError\('torn'\)\. Either"),
    "a child that ends": ({"write": die_in_a_child(os.getpid())}, r"the child ended with status"),
}


@pytest.mark.parametrize("name", WORDS)
def test_a_sink_is_told_what_to_do(name: str) -> None:
    methods, words = WORDS[name]
    sink = type("Broken", (Store,), methods)()
    with pytest.raises(AssertionError, match=f"(?s){words}"):
        check_sink(
            lambda: sink, sink.read_back, refuses=LARGE, break_it=sink.down, survives_fork=True, thread_safe=False
        )


@pytest.mark.slow
def test_threads_that_wait_for_each_other_are_told() -> None:
    class Deadlocks(Store):
        """Waits for a second thread while it has the only lock."""

        timeout = 0.5
        calls = 0

        def write(self, events: Sequence[Event]) -> None:
            if threading.current_thread() is not threading.main_thread():
                Deadlocks.calls += 1
                if Deadlocks.calls == 5:
                    threading.Event().wait()
            super().write(events)

    sink = Deadlocks()
    with pytest.raises(AssertionError, match=r"1 calls did not return: they wait for each other\. Bound each wait"):
        check_sink(lambda: sink, sink.read_back)
