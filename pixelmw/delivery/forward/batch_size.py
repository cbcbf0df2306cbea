"""How many events the next call of a sink gets: fewer where a batch was too much for it."""

from __future__ import annotations

import math

from ...sinks.base import Unavailable

#: A batch holds at most so many bytes of encoded text. An event is at most some 50 times its text once it is decoded:
#: 250 parameters in 10 KB of text are 527 KiB of dicts and strings. So a batch is at most some 50 MiB of these. Many
#: a destination takes no more at once, either.
MAX_BATCH_BYTES = 2**20
# Failures of the same batch: fewer may be an outage, which ends by itself.
_TOO_MUCH = 3
# Batches that go well before a larger one is tried again; twice as many after each that was too much again.
_FIRST_PATIENCE = 4
_LONGEST_PATIENCE = 1024


class BatchSize:
    """The number of events that are sent next.

    A batch that failed ``_TOO_MUCH`` times may be too much for the destination: it is halved, and halved again at each
    further failure. The size that goes well is kept for a while. If one event alone fails, too, the size was
    not the reason: then it grows back as fast as it can.

    :param most: the most events that the sink gets at once.
    :ivar current: the number of events that are sent next.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.current = most
        self._ceiling = most  # what it grows to without waiting
        self._failures = 0  # of the same batch
        self._well = 0  # batches of the size of the ceiling that went well in a row
        self._patience = _FIRST_PATIENCE
        self._is_larger_than_proven = False

    @property
    def is_reduced(self) -> bool:
        """True while batches are smaller than they may be."""
        return self.current < self.most

    def use_one(self) -> None:
        """Send one event, and then grow: neighbours of an event at fault may have the same fault."""
        self.current = 1

    def note_failure(self, events: int, error: Exception) -> None:
        """Note that a batch of *events* failed with *error*, which says that the sink is down."""
        if may_be_too_much(error):
            self.note_too_large(events)

    def note_too_large(self, events: int) -> None:
        """Note that a batch of *events* was refused, and parts of it were not."""
        self._failures += 1
        if self._is_larger_than_proven or self._failures >= _TOO_MUCH:
            self.halve(events)

    def halve(self, events: int) -> None:
        """Send half as many: a batch of *events* failed."""
        self._failures = _TOO_MUCH
        if self._is_larger_than_proven:
            self._patience = min(2 * self._patience, _LONGEST_PATIENCE)
        self._is_larger_than_proven = False
        self._well = 0
        self.current = max(1, events // 2)
        self._ceiling = self.current if events > 1 else self.most

    def note_success(self, events: int) -> None:
        """Note that a batch of *events* went well."""
        self._failures = 0
        if events < self.current:
            return
        if self._is_larger_than_proven:
            self._is_larger_than_proven = False
            self._patience = _FIRST_PATIENCE
        if self.current < self._ceiling:
            self.current = min(2 * self.current, self._ceiling)
        elif self._ceiling < self.most:
            self._well += 1
            if self._well >= self._patience:
                self._well = 0
                self._is_larger_than_proven = True
                self.current = self._ceiling = min(2 * self._ceiling, self.most)


def may_be_too_much(error: Exception) -> bool:
    """Return True if *error* may mean that a batch was too large: a time-out, a lost connection, or no reason.

    A destination that asks to be left alone for some seconds, that refuses the connection or whose disk is full,
    would not take one event, either.
    """
    if isinstance(error, Unavailable):
        return error.retry_after is None or math.isnan(error.retry_after)
    return isinstance(error, ConnectionError | TimeoutError) and not isinstance(error, ConnectionRefusedError)
