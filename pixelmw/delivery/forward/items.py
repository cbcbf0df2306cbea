"""The items of a forwarder, each in the place of its state."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from .batch_size import MAX_BATCH_BYTES
from .dead_letter_queue import DeadLetterQueue
from .item import Item
from .proof import Proof
from .states import MAX_SET_ASIDE, ItemState

# While the sink refuses everything, one try in so many is with any event that it has not refused in company, and not
# with the first: a visitor may have sent hundreds of bad ones, and the good ones behind them must not wait for ever.
_PROBES_PER_GLANCE = 8


class Items:
    """All items that are not done.

    :ivar waiting: in the order in which they are sent.
    :ivar tried: those that were refused among others.
    :ivar suspects: those that failed where others were taken.
    :ivar dead: those that are to be buried.
    """

    def __init__(self, proof: Proof, dead: DeadLetterQueue) -> None:
        self.waiting: deque[Item] = deque()
        self.tried: deque[Item] = deque()
        self.suspects: deque[Item] = deque()
        self.dead = dead
        self._proof = proof
        self._probes = 0

    def __len__(self) -> int:
        return len(self.waiting) + len(self.tried) + len(self.suspects) + len(self.dead)

    def clear(self) -> None:
        """Forget all of them."""
        for items in (self.waiting, self.tried, self.suspects, self.dead):
            items.clear()

    def next_batch(self, most: int) -> list[Item]:
        """Return the first of the waiting items: at most so many, and at most 1 MiB of them, but at least one."""
        batch: list[Item] = []
        size = 0
        for item in islice(self.waiting, most):
            size += len(item.payload)
            if batch and size > MAX_BATCH_BYTES:
                break
            batch.append(item)
        return batch

    def keep_of_batch(self, batch: Sequence[Item], left: Sequence[Item]) -> None:
        """Take *batch*, the first of the waiting items, away, but for those that are *left* to be sent."""
        for _ in batch:
            self.waiting.popleft()
        self.waiting.extendleft(reversed(left))

    def another(self) -> Item:
        """Return a waiting item, at random: what is wrong with the first may be wrong with its neighbours, too."""
        return self.waiting[random.randrange(1, len(self.waiting))]  # noqa: S311 - no secret

    def probe(self) -> Item:
        """Return the item to try with a sink that refused everything: the first, or now and then any."""
        self._probes += 1
        if self._probes % _PROBES_PER_GLANCE == 0:
            return random.choice(self.waiting or self.tried)  # noqa: S311 - no secret
        return (self.tried or self.waiting)[0]

    def remove(self, item: Item) -> None:
        """Take *item* from those that hold up others."""
        (self.tried if item.state is ItemState.TRIED else self.waiting).remove(item)

    def suspect(self, items: Iterable[Item]) -> None:
        """Try *items* beside the others from now on, or bury those against which the proof is complete.

        Those that find no room there hold up the others: a sink that fails often has many suspects without a fault.
        """
        for item in items:
            if self._proof.is_complete(item):
                self.bury_or_try(item)
                continue
            if len(self.suspects) >= MAX_SET_ASIDE:
                self.try_alone(item)
                continue
            item.state = ItemState.SUSPECT
            self.suspects.append(item)

    def is_crowded(self) -> bool:
        """Return True if there is no room for another suspect."""
        return len(self.suspects) >= MAX_SET_ASIDE

    def settle_refused(self, items: Iterable[Item]) -> None:
        """Bury those of *items*, which the sink has just refused, that are at fault; have the others tried alone."""
        for item in items:
            if self._proof.convicts(item):
                self.bury(item)
            else:
                self.try_alone(item)

    def bury_or_try(self, item: Item) -> None:
        """Bury *item* if it has failed alone; if not, have it tried alone first."""
        if item.failed_alone:
            self.bury(item)
        else:
            self.try_alone(item)

    def try_alone(self, item: Item) -> None:
        """Try *item* alone before anything else is sent."""
        item.state = ItemState.TRIED
        self.tried.append(item)

    def bury(self, item: Item) -> None:
        """Make a dead letter of *item*."""
        item.state = ItemState.DEAD
        item.last_error = str(item.last_error)  # which keeps the texts of a whole batch until then
        self.dead.append(item)
