"""An event on its way to a sink: its text, and what came of the tries."""

from __future__ import annotations

from ...events import Event
from ...sinks.base import is_down
from ...sinks.encoding import decode


class Item:
    """An event on its way, kept as the text that was accepted.

    :param payload: the event as JSON in UTF-8.
    :param place: what its owner knows it by.
    :param event: what *payload* stands for, if it has been read already; it is given away with the first try.
    :ivar tries: how often the sink has failed on it, and not on the batch around it.
    :ivar failures: how many of those count as proof that it is the event's fault.
    :ivar alone: whether it was the only event of the call that failed on it last.
    :ivar error: what the sink raised last.
    """

    __slots__ = ("_event", "_taken", "alone", "error", "failures", "payload", "place", "tries")

    def __init__(self, payload: bytes, place: int, event: Event | None = None) -> None:
        self.payload = payload
        self.place = place
        self.tries = 0
        self.failures = 0
        self.alone = False
        self.error = ""
        self._event = event
        self._taken = -1

    def make_event(self) -> Event:
        """A dict of its own for each call, so that whoever gets it may change it, and nobody else's changes with it."""
        event, self._event = self._event, None
        if event is None:
            event = decode(self.payload)
        return event

    def failed(self, error: Exception, taken: int, *, alone: bool) -> None:
        """Note a failure, at a time when the sink had taken so many events in all."""
        self.tries += 1
        self.alone = alone
        self.error = repr(error)  # its traceback would keep all that its call was about
        if taken != self._taken and not is_down(error):
            self._taken = taken
            self.failures += 1
