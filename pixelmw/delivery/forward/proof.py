"""What must be known before an item is buried, and when the sink is to blame instead."""

from __future__ import annotations

from ..retry import Retry
from .item import Item

# Eight failures, each with other events taken in between, are not chance: of a sink that fails one time in five
# without a reason, 0.2 ** 8 is 3 events in a million.
_EVIDENCE_NEEDED = 8
#: So many refusals in a row, with no event taken in between, are a verdict on us: a key, a table or a plan of the
#: destination was changed. A visitor rarely sends as many bad events without a good one among them.
MAX_REFUSALS = 200


class Proof:
    """Says which items are at fault.

    :param retry: says how often an item may be tried.
    :ivar refusals: how many items were refused in a row, with none taken in between.
    """

    def __init__(self, retry: Retry) -> None:
        self.refusals = 0
        self._retry = retry

    def note_taken(self) -> None:
        """Note that the sink took an event: what it refuses from now on, it refuses for what it is."""
        self.refusals = 0

    def note_refused(self, items: int) -> None:
        """Note that the sink refused so many *items* since it took one, and had not refused them before."""
        self.refusals += items

    @property
    def blames_sink(self) -> bool:
        """True if so many items were refused in a row that none of them is buried for it."""
        return self.refusals >= MAX_REFUSALS

    def is_complete(self, item: Item) -> bool:
        """Return True if *item* is to be buried, whatever it failed with."""
        return item.evidence >= _EVIDENCE_NEEDED or self._retry.is_exhausted(item.tries)

    def convicts(self, item: Item) -> bool:
        """Return True if *item* was refused alone, and the sink is not to blame."""
        return item.failed_alone and (not self.blames_sink or self._retry.is_exhausted(item.tries))
