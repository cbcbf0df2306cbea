"""The name of a segment file, and what it says."""

from __future__ import annotations

import re
from typing import NamedTuple

_NAME = re.compile(r"(\d{14})-([0-9a-f]{12})-(\d{12})\.segment")


class Segment(NamedTuple):
    """The name of a segment file, taken apart.

    Segments sort oldest first. Those of one writer sort in the order in which it wrote them.
    """

    created_ms: int  # milliseconds since the epoch; each segment of a writer has a later one than its last
    writer: str  # 12 hexadecimal digits, random for each journal
    first_sequence: int  # the sequence number of its first record

    @classmethod
    def from_name(cls, name: str) -> Segment | None:
        """Take *name* apart; returns ``None`` if it is not the name of a segment file."""
        parts = _NAME.fullmatch(name)
        return cls(int(parts[1]), parts[2], int(parts[3])) if parts else None

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.created_ms:014d}-{self.writer}-{self.first_sequence:012d}.segment"

    @property
    def cursor_name(self) -> str:
        """The name of the file that says how much of it has been forwarded."""
        return f"{self.name}.cursor"
