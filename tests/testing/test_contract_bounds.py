"""What never returns is ended by the contract, and told in words that say what to bound."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pixelmw import Event
from tests.support.broken_sinks import Store
from tests.support.one_point import CLOSE, DOWN, changed, found

# Each waits for a bound, of 30 seconds at most.
pytestmark = pytest.mark.slow


def test_a_flush_that_waits_for_ever_unless_it_is_told_how_long_is_told() -> None:
    def flush(self: Store, timeout: float | None = None) -> bool:
        return timeout is not None or threading.Event().wait()

    said = found("flush tells the truth and keeps to its time", changed(flush=flush))
    assert said == "flush() did not return within 3 seconds, though everything had arrived"


def test_a_call_that_hangs_while_the_sink_is_down_is_ended_and_told() -> None:
    class Hangs(Store):
        """Waits for its destination, for ever."""

        def __call__(self, event: Event) -> None:
            if self.is_down:
                threading.Event().wait()
            self.write([event])

        @contextmanager
        def down(self) -> Iterator[None]:
            self.is_down = True
            try:
                yield
            finally:
                self.is_down = False

    sink = Hangs()
    said = found(DOWN, sink, break_it=sink.down)
    assert "while it was down, " in said
    assert "it did not return within 30 seconds. Bound each wait, and raise Unavailable when the time is over" in said


def test_a_close_that_waits_for_ever_is_ended_and_told() -> None:
    def close(self: Store, timeout: float | None = None) -> None:
        threading.Event().wait()

    assert "close did not return within 13 seconds. Let it wait no longer than told" in found(
        CLOSE, changed(close=close)
    )
