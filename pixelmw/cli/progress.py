"""Shows on a terminal how far a command has come."""

from __future__ import annotations

import sys
import time
from types import TracebackType

_DRAW_INTERVAL = 0.1  # seconds; the eye sees no more, and a slow terminal is not kept busy
_BAR_CHARS = 30


class ProgressBar:
    """A context manager that draws a bar on standard error if that is a terminal, and nothing otherwise.

    :param total: the number of events that are to be forwarded.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._drawn_at = 0.0  # on the monotonic clock
        self._terminal = sys.stderr.isatty()

    def draw(self, done: int) -> None:
        """Show that *done* events have been forwarded, unless the bar was drawn just now."""
        now = time.monotonic()
        if self._terminal and now - self._drawn_at > _DRAW_INTERVAL:
            self._drawn_at = now
            fraction = min(1.0, done / self._total) if self._total else 1.0
            bar = "#" * round(fraction * _BAR_CHARS)
            self._write(f"\r[{bar:.<{_BAR_CHARS}}] {fraction:4.0%}  {done:,} of {self._total:,} events")

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._terminal:
            self._write("\r\x1b[K")  # back to the beginning, and erase the line

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:  # the terminal has gone; the command goes on
            self._terminal = False
