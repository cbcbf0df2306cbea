"""What one reader knows of a segment: what was read of it, and how far it got."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from ..records import DamagedStretch, Record, read_records
from .name import Segment


class SegmentProgress:
    """A segment that is being forwarded: what was read of it, and how far it got.

    Of what was read, only what has not been parsed is kept: any number of segments may wait for their last events.

    :ivar size: how many of its bytes were read.
    :ivar read_to: the offset up to which its records have become items.
    :ivar in_flight: item number -> offset of its record, for each item that is not done; in the order of the file.
    :ivar damage: the damaged stretches that are not in quarantine yet.
    :ivar deletion_failure_logged: whether it was logged that it cannot be deleted.
    """

    def __init__(self, segment: Segment, data: bytes) -> None:
        self.segment = segment
        self.size = 0
        self.read_to = 0
        self.in_flight: OrderedDict[int, int] = OrderedDict()
        self.damage: list[DamagedStretch] = []
        self.deletion_failure_logged = False
        self._next_sequence = segment.first_sequence
        self.add(data)

    @property
    def forwarded_to(self) -> int:
        """The offset before which everything is done, so that it need not be sent again after a crash."""
        return next(iter(self.in_flight.values()), self.read_to)

    def add(self, data: bytes) -> None:
        """Note that *data* was read where the last ended, which has been parsed."""
        self._unparsed, self._unparsed_from = data, self.size
        self.size += len(data)

    def parse(self) -> Iterator[Record | DamagedStretch]:
        """Yield what it holds beyond what has been parsed, in order and without a gap."""
        data, offset = self._unparsed, self._unparsed_from
        self._unparsed = b""
        for found in read_records(data, self._next_sequence):
            self._next_sequence = found.sequence + 1 if isinstance(found, Record) else self._next_sequence + found.lost
            yield found._replace(start=found.start + offset, end=found.end + offset) if offset else found
