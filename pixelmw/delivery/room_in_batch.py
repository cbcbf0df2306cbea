"""How much is taken up for the next batch."""

from __future__ import annotations

from collections.abc import Iterable

from .forward import MAX_BATCH_BYTES, Item

#: Events that are handed to the sink at once, unless a delivery is told otherwise: as many as visitors share.
MAX_BATCH = 500


class RoomInBatch:
    """The room beside the *pending* events.

    There is room for two events in any case: if one fails, the other shows whether
    the sink or the event is at fault.

    :param max_batch: events that are handed to the sink at once.
    """

    def __init__(self, pending: Iterable[Item], max_batch: int) -> None:
        self._events = max(2, max_batch)
        self._bytes = MAX_BATCH_BYTES
        self._count = 0
        for item in pending:
            self.use(item)

    def is_for(self, item: Item) -> bool:
        """Return True if there is room for *item*."""
        return self._count < 2 or (self._count < self._events and len(item.payload) <= self._bytes)

    def is_for_any(self) -> bool:
        """Return False if there is no room for whatever comes."""
        return self._count < 2 or (self._count < self._events and self._bytes > 0)

    def use(self, item: Item) -> None:
        """Count *item* as pending."""
        self._count += 1
        self._bytes -= len(item.payload)
