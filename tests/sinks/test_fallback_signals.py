"""A handler of a signal may store in a fallback whatever line of its memory it interrupts."""

from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import Any

from pixelmw.sinks import Unavailable
from pixelmw.sinks.combine import outage
from tests.support.outages import Pair


def test_a_handler_may_store_in_the_middle_of_any_line() -> None:
    pair, came, stored = Pair(), [0], list[str]()

    def store(name: str) -> None:
        pair.put(name)
        stored.append(name)

    def interrupt(frame: FrameType, what: str, argument: object) -> Any:
        # A tracer, during which nothing else is traced, stands for the handler: it runs in the same thread.
        if frame.f_code.co_filename != outage.__file__:
            return None
        if what == "line":
            came[0] += 1
            store(f"handler {came[0]}")
        return interrupt

    def visit() -> None:
        sys.settrace(interrupt)
        try:
            for number in range(12):  # it goes down, is tried again, comes back, and goes down again
                pair.first.error = None if number in (4, 5, 6) else Unavailable("down")
                pair.clock.now += number % 3
                store(f"visitor {number}")
        finally:
            sys.settrace(None)

    visitor = threading.Thread(target=visit, daemon=True)
    visitor.start()
    visitor.join(30)
    assert not visitor.is_alive(), "it waits for itself"
    assert came[0] > 50
    assert sorted(pair.first.stored + pair.second.stored) == sorted(stored)
    assert pair.stats()["given_to_second"] == len(pair.second.stored)
