"""The name of a segment file, and what it says; how large such a file may be."""

from __future__ import annotations

import re
from typing import NamedTuple

#: A segment is read into memory. No writer makes a larger one, so what is larger is not read.
MAX_SEGMENT_BYTES = 256 * 2**20
_NAME = re.compile(r"(\d{14})-([0-9a-f]{12})-(\d{12})\.segment", re.ASCII)
_CURSOR = ".cursor"
_OF_SEGMENT = re.compile(rf"{_NAME.pattern}(\.cursor|\.\d+)?", re.ASCII)


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

    @classmethod
    def from_cursor_name(cls, name: str) -> Segment | None:
        """Return the segment whose cursor has this name; ``None`` if it is not the name of a cursor."""
        return cls.from_name(name.removesuffix(_CURSOR)) if name.endswith(_CURSOR) else None

    @staticmethod
    def is_named_in(name: str) -> bool:
        """Return True for the name of a segment, of its cursor, or of a damaged stretch of it in quarantine."""
        return _OF_SEGMENT.fullmatch(name) is not None

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.created_ms:014d}-{self.writer}-{self.first_sequence:012d}.segment"

    @property
    def cursor_name(self) -> str:
        """The name of the file that says how much of it has been forwarded."""
        return f"{self.name}{_CURSOR}"

    def damage_name(self, offset: int) -> str:
        """The name of the file in quarantine that keeps what was damaged at *offset*."""
        return f"{self.name}.{offset}"
