"""A sink in front of another one, with a switch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pixelmw import Event
from pixelmw.sinks import BatchSink, Unavailable


class Switch(BatchSink):
    """Hands batches on to *sink*, and takes nothing while it is off.

    :ivar sink: the sink behind it.
    :ivar is_off: True while it takes nothing.
    """

    def __init__(self, sink: BatchSink) -> None:
        self.sink = sink
        self.is_off = False

    def write(self, events: Sequence[Event]) -> None:
        if self.is_off:
            raise Unavailable("off", retry_after=0.01)
        self.sink.write(events)

    def close(self, timeout: float | None = None) -> None:
        self.sink.close(timeout)

    @contextmanager
    def off(self) -> Iterator[None]:
        self.is_off = True
        yield
        self.is_off = False
