"""Items that are to become dead letters, until the sink for dead letters has them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from ...events import Sink
from ...system.callables import raise_if_unfinished
from .attempt import as_exception
from .error_words import ErrorWords
from .item import Item
from .states import ItemState

logger = logging.getLogger("pixelmw.delivery")

#: The dead letter of an item is stored within the context that this returns, by the sink that the context gives, if it
#: gives one, instead of the usual one.
Burying = Callable[[Item], AbstractContextManager[Sink | None]]


def no_other(item: Item) -> AbstractContextManager[None]:
    """Return a context that gives no other sink."""
    return nullcontext()


class DeadLetterQueue:
    """Dead items, in the order in which they are to be buried.

    :param sink: the sink that does not take them, for the log.
    :param dead_letter: the sink that stores them. Without one they are logged, and lost.
    :param on_buried: called with each item that is stored or lost.
    :param burying: called with each item that is about to be stored.
    """

    def __init__(
        self,
        sink: Sink,
        dead_letter: Sink | None,
        on_buried: Callable[[Item], object],
        burying: Burying = no_other,
    ) -> None:
        self._sink = sink
        self._dead_letter = dead_letter
        self._on_buried = on_buried
        self._burying = burying
        self._items: deque[Item] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def append(self, item: Item) -> None:
        """Make a dead letter of *item* with the next :meth:`bury`."""
        self._items.append(item)

    def clear(self) -> None:
        """Forget all of them."""
        self._items.clear()

    def bury(self) -> ErrorWords | None:
        """Make dead letters of all; returns why, if one could not be stored. The rest waits for the next call."""
        while self._items:
            item = self._items[0]
            try:
                if self._dead_letter is not None:
                    with self._burying(item) as other:
                        dead_letter = self._dead_letter if other is None else other
                        raise_if_unfinished("dead_letter", dead_letter, dead_letter(item.make_event()))
            except BaseException as raised:
                return ErrorWords(as_exception(raised), [item.payload])
            self._items.popleft()
            item.state = ItemState.BURIED
            lost = "" if self._dead_letter is not None else " and is lost, since there is no dead_letter"
            name = item.make_event().get("messageId")
            logger.error("%r does not take the event %r%s: %s", self._sink, name, lost, item.last_error)
            self._on_buried(item)
        return None
