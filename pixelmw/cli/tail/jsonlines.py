"""Follows a file of JSON lines, which may be truncated, renamed or removed at any time.

======================  ================================================================
What is seen            What is done
======================  ================================================================
more bytes              whole lines are read; a part of a line waits for its rest
fewer bytes than read   it was truncated: it is read from its beginning
other bytes than read   it was truncated and has grown since: likewise
another file            the old one is read to its end, then the new one
no file                 the old one is read on; a new one is waited for
======================  ================================================================
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ...events import Event
from ...sinks.encoding import decode
from .store import leads_to, open_regular

# What is read at once, and the longest line. An event of a query at its limit of 32 KB is far below.
_CHUNK = 65536
_MAX_LINE = 1024 * 1024
# So many of the bytes that were read last are looked at again. Two events differ in them: they end with ids and times.
_REMEMBERED = 256
# What is read of the end of a file, to show its last events.
_MAX_BACKWARDS = 8 * 1024 * 1024


class JSONLinesFollower:
    """Gives the events in a file of JSON lines.

    :ivar skipped: how many lines were no events, or too long.
    :param path: the file.
    :raises OSError: if it cannot be opened.
    :raises ValueError: if it is no regular file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.skipped = 0
        self._open(at_end_of_long=True)

    def new_events(self) -> Iterator[Event]:
        """The events that have come since the last call, or at the first one those that are there.

        Of a long file, the first call gives those in its last 8 MB.
        """
        yield from self._rest()
        # Now that the old file was read to its end, see what the path leads to.
        if leads_to(self.path, os.fstat(self._descriptor)) is False:
            yield from self._rest()  # what was written between its end and that look
            old = self._descriptor
            try:
                self._open(at_end_of_long=False)
            except (OSError, ValueError):  # it is gone again, or no file
                return
            os.close(old)
            yield from self._rest()

    @property
    def is_away(self) -> bool:
        """True while there is no file at the path."""
        return not leads_to(self.path, os.fstat(self._descriptor))

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _open(self, *, at_end_of_long: bool) -> None:
        self._descriptor = open_regular(self.path)
        size = os.fstat(self._descriptor).st_size
        self._position = max(0, size - _MAX_BACKWARDS) if at_end_of_long else 0
        self._partial = self._last_bytes = b""
        # Where reading begins in the middle of a file, it most likely begins in the middle of a line.
        self._in_skipped_line = self._position > 0

    def _rest(self) -> Iterator[Event]:
        while chunk := self._next_chunk():
            *lines, self._partial = (self._partial + chunk).split(b"\n")
            for line in lines:
                if self._in_skipped_line:
                    self._in_skipped_line = False
                elif (event := self._event_of(line)) is not None:
                    yield event
            if len(self._partial) > _MAX_LINE:
                self.skipped += not self._in_skipped_line
                self._partial, self._in_skipped_line = b"", True

    def _next_chunk(self) -> bytes:
        """What follows in the file; once it was truncated, its beginning. Nothing at its end."""
        known = len(self._last_bytes)
        # One read shows both if it is still the same file and what is new in it.
        found = os.pread(self._descriptor, known + _CHUNK, self._position - known)
        if not found.startswith(self._last_bytes):
            self._position, self._in_skipped_line = 0, False
            self._partial = self._last_bytes = b""
            found, known = os.pread(self._descriptor, _CHUNK, 0), 0
        chunk = found[known:]
        self._position += len(chunk)
        self._last_bytes = found[-_REMEMBERED:]
        return chunk

    def _event_of(self, line: bytes) -> Event | None:
        if not line.strip():
            return None
        try:
            event = decode(line)
        except ValueError:
            event = None
        if isinstance(event, dict):
            return event
        self.skipped += 1
        return None
