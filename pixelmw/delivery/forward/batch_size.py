"""How many events the next call of a sink gets: fewer while the event at fault is being searched for."""

from __future__ import annotations


class BatchSize:
    """The number of pending events that are sent next.

    If a batch fails and it is not known why, its first half is sent next, and so on until one event
    fails alone. After each batch that goes well, the size doubles, up to *max_batch*.
    If the sink says that an event of the batch is undeliverable, but not which one, that event is among the first
    ``_fault_within`` pending events. Then the next batch is half of these. If that half goes well, the event is in the
    rest, and the next batch is half of the rest.

    :param max_batch: the most events that the sink gets at once.
    :ivar current: the number of events that are sent next.
    """

    def __init__(self, max_batch: int) -> None:
        self._max_batch = max_batch
        self.reset()

    def reset(self) -> None:
        """Go back to full batches: the event at fault was found."""
        self.current = self._max_batch
        self._fault_within = 0

    def use_one(self) -> None:
        """Begin with one event: a suspect was set aside, and its neighbours may have the same fault."""
        self.current = 1
        self._fault_within = 0

    def halve(self, events: int, *, one_is_undeliverable: bool) -> None:
        """Halve the size: a batch of *events* failed, and it is not known which of them is at fault, if any."""
        self.current = events // 2
        if one_is_undeliverable:
            self._fault_within = events

    def grow(self, events: int) -> None:
        """Double the size, or finish the search: a batch of *events* went well."""
        self._fault_within = max(0, self._fault_within - events)
        self.current = (self._fault_within + 1) // 2 or min(self.current * 2, self._max_batch)
