"""What with_connections passes on to the sink, and which sinks it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from pixelmw import Event
from pixelmw.contrib.django import with_connections
from tests.support.processes import event


class Whole:
    """A sink with all that a sink may have."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def __call__(self, event: Event) -> None:
        self.calls.append(event)

    def write(self, events: list[Event]) -> None:
        self.calls.append(len(events))

    def flush(self, timeout: float | None = None) -> bool:
        self.calls.append(("flush", timeout))
        return False

    def close(self, timeout: float | None = None) -> None:
        self.calls.append(("close", timeout))


def test_batches_flush_and_close_are_passed_on() -> None:
    whole = Whole()
    sink = with_connections(whole)
    sink.write([event("1"), event("2")])
    assert not sink.flush(1.0)
    sink.close(2.0)
    assert whole.calls == [2, ("flush", 1.0), ("close", 2.0)]
    assert with_connections(print).flush()
    with_connections(print).close()
    assert repr(with_connections(print)) == "with_connections(<built-in function print>)"


async def asynchronous(event: Event) -> None:
    """A sink that nobody awaits."""


@pytest.mark.parametrize("sink", [None, asynchronous, Whole], ids=["nothing", "async", "class"])
def test_what_would_store_nothing_is_refused(sink: Any) -> None:
    with pytest.raises(TypeError, match="give "):
        with_connections(sink)
    hidden = with_connections(lambda event: asynchronous(event))
    with pytest.raises(TypeError, match="ran nothing"):
        hidden(event("1"))
