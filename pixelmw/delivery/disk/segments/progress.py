"""What one reader knows of a segment: what was read of it, and how far it got."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from ..records import DamagedStretch, Record, read_records
from .name import Segment


class SegmentProgress:
    """A segment that is being forwarded: what was read of it, and how far it got.

    :ivar data: its bytes, as far as they were read.
    :ivar read_to: the offset up to which its records have become items.
    :ivar in_flight: item number -> offset of its record, for each item that is not done; in the order of the file.
    :ivar damage: the damaged stretches that are not in quarantine yet.
    :ivar deletion_failure_logged: whether it was logged that it cannot be deleted.
    """

    def __init__(self, segment: Segment, data: bytes) -> None:
        self.segment = segment
        self.data = data
        self.read_to = 0
        self.in_flight: OrderedDict[int, int] = OrderedDict()
        self.damage: list[DamagedStretch] = []
        self.deletion_failure_logged = False
        self._parsed_to = 0
        self._next_sequence = segment.first_sequence

    @property
    def forwarded_to(self) -> int:
        """The offset before which everything is done, so that it need not be sent again after a crash."""
        return next(iter(self.in_flight.values()), self.read_to)

    def parse(self) -> Iterator[Record | DamagedStretch]:
        """Yield what it holds beyond what has been parsed, in order and without a gap."""
        for found in read_records(self.data, self._next_sequence, self._parsed_to):
            self._parsed_to = found.end
            self._next_sequence = found.sequence + 1 if isinstance(found, Record) else self._next_sequence + found.lost
            yield found
