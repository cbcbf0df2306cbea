"""Cursors: small files that say how much of a segment has been forwarded."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path
from zlib import crc32

from ..open_directory import OpenDirectory
from .name import Segment

# The offset, and a checksum over the segment's name and the offset.
_FORMAT = struct.Struct("<QI")


class Cursors:
    """The cursors in a directory; only the process whose turn it is to forward writes them.

    A cursor only saves work: if it is lost or damaged, its segment is sent again from the beginning.

    :param path: the directory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, segment: Segment) -> int:
        """Return how many bytes of *segment* have been forwarded; 0 if that is not known for sure."""
        try:
            with OpenDirectory(self._path) as directory:
                descriptor = directory.open(segment.cursor_name, os.O_RDONLY)
                with os.fdopen(descriptor, "rb") as file:
                    offset, checksum = _FORMAT.unpack(file.read(_FORMAT.size + 1))
        except (OSError, struct.error):
            return 0
        return offset if checksum == _checksum(segment, offset) else 0

    def write(self, segment: Segment, offset: int) -> None:
        """Note that *segment* has been forwarded up to *offset*."""
        data = _FORMAT.pack(offset, _checksum(segment, offset))
        with suppress(OSError), OpenDirectory(self._path) as directory:  # a full disk must not stop forwarding
            descriptor = directory.open_or_create(segment.cursor_name, os.O_WRONLY)
            try:
                os.pwrite(descriptor, data, 0)
            finally:
                os.close(descriptor)

    def remove_stale(self) -> None:
        """Delete the cursors of segments that are gone."""
        with OpenDirectory(self._path) as directory:
            names = set(directory.names())
            for name in names:
                segment = Segment.from_cursor_name(name)
                if segment is not None and segment.name not in names:
                    with suppress(OSError):  # somebody made a folder of that name
                        directory.remove(name)


def _checksum(segment: Segment, offset: int) -> int:
    return crc32(f"{segment.name}:{offset}".encode())
