"""An event on its way to a sink: its text, and what came of the tries."""

from __future__ import annotations

from ...events import Event
from ...sinks.base import is_down
from ...sinks.encoding import decode
from .error_words import ErrorWords
from .states import ItemState


class Item:
    """An event on its way, kept as the text that was accepted.

    :param payload: the event as JSON in UTF-8.
    :param number: the number that its owner gave it.
    :param event: the decoded *payload*, if it has been decoded already. The first try uses it up.
    :ivar state: where it is on its way.
    :ivar tries: the number of calls that failed on this event. Calls that failed because the sink was down count. Calls
        that failed for the whole batch, with no error for this event, do not count.
    :ivar evidence: how many of these failures point to the event, not to the sink. Such a failure counts if the sink
        was not down and has taken other events since the last failure that counted.
    :ivar failed_alone: True if the last call that failed on it had no other event.
    :ivar last_error: what the sink raised last, for the log.
    """

    __slots__ = (
        "_event",
        "_taken_at_last_failure",
        "evidence",
        "failed_alone",
        "last_error",
        "number",
        "payload",
        "state",
        "tries",
    )

    def __init__(self, payload: bytes, number: int, event: Event | None = None) -> None:
        self.payload = payload
        self.number = number
        self.state = ItemState.WAITING
        self.tries = 0
        self.evidence = 0
        self.failed_alone = False
        self.last_error: ErrorWords | str = ""
        self._event = event
        self._taken_at_last_failure = -1

    def make_event(self) -> Event:
        """Return a new dict for each call, so that a sink that changes it changes nothing else."""
        event, self._event = self._event, None
        if event is None:
            event = decode(self.payload)
        return event

    def note_failure(self, error: Exception, words: ErrorWords, taken_so_far: int, *, alone: bool) -> None:
        """Note that the sink failed on this event.

        :param words: those of *error*.
        :param taken_so_far: how many events the sink has taken in all.
        :param alone: whether it was the only event of that call.
        """
        self.tries += 1
        self.failed_alone = alone
        self.last_error = words
        if taken_so_far != self._taken_at_last_failure and not is_down(error):
            self._taken_at_last_failure = taken_so_far
            self.evidence += 1
