"""What the live view keeps: the newest events and refusals of this process, bounded in number and in bytes.

1. Each event or refusal gets the next number, whether it can be shown or not.
2. The newest *limit* of them are kept, and of these so many as fit into
   :data:`MAX_BYTES`. The others fall out, oldest first, and are counted.
3. What is larger than :data:`MAX_BYTES_EACH`, or is no JSON, cannot be shown. It is counted, too.
4. An entry becomes text when somebody first asks for it. No pixel waits for that.
5. A child of a fork begins with nothing and with a name of its own: numbers of
   two processes, or of two runs, are never taken for each other's.
6. A reset empties it and sets the counts to zero. The numbers go on.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from ..system.fork import ForkSafeLock
from ..system.ids import random_uuid
from ..system.process import current_process

#: In all; a thousand events of a usual size take one or two megabytes. A page that shows this much takes some 80 MB.
MAX_BYTES = 8 * 1024 * 1024
#: For one. A query at its limit of 32 KB, all in characters that take six bytes in JSON, is smaller.
MAX_BYTES_EACH = 512 * 1024


class Entry:
    """One event or refusal that is kept.

    :ivar number: its number.
    :ivar good: whether the event was stored.
    :ivar size: in bytes, more or less until there is a text.
    """

    __slots__ = ("_render", "_text", "_time", "good", "number", "size")

    def __init__(self, number: int, time: float, good: bool, size: int, render: Callable[[], str]) -> None:
        self.number = number
        self.good = good
        self.size = size
        self._time = time
        self._render: Callable[[], str] | None = render
        self._text = ""

    @property
    def text(self) -> str:
        """A JSON object, or nothing if it cannot be shown."""
        if (render := self._render) is not None:
            try:
                members = render()
                text = f'{{"number":{self.number},"time":"{_rfc3339(self._time)}",{members}}}'
            except Exception:  # an enricher or the sink may have left anything in the event
                text = ""
            self._text = text if len(text) <= MAX_BYTES_EACH else ""
            self.size = len(self._text)
            self._render = None
        return self._text


@dataclass
class Counts:
    """How many came, of each kind, since the start or the last reset.

    :ivar good: stored events.
    :ivar bad: refusals, and events that could not be stored.
    :ivar discarded: events that an enricher has discarded. They are not kept.
    :ivar fell_out: events and refusals that were kept and are not any more.
    :ivar not_shown: events and refusals that cannot be shown.
    """

    good: int = 0
    bad: int = 0
    discarded: int = 0
    fell_out: int = 0
    not_shown: int = 0


class Snapshot(NamedTuple):
    """What is kept at a moment.

    :ivar name: that of this process's view, as long as it runs.
    :ivar last: the number of the newest that came.
    :ivar since: when the process started or was reset, as text (RFC 3339).
    :ivar entries: newest first.
    """

    name: str
    last: int
    since: str
    counts: Counts
    entries: list[Entry]


class Kept:
    """Keeps the newest *limit* events and refusals; safe to share between threads, and across fork."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.time) -> None:
        self.limit = limit
        self._clock = clock
        self._lock = ForkSafeLock()
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._counts = Counts()
        self._since = ""
        self._begin()

    def add(self, size: int, render: Callable[[], str] | None, *, good: bool) -> None:
        """Keep an event or a refusal.

        :param size: in bytes, more or less.
        :param render: makes the members of its JSON object; ``None`` if it cannot be shown.
        """
        now = self._clock()
        with self._lock:
            self._be_of_this_process()
            self._last += 1
            if good:
                self._counts.good += 1
            else:
                self._counts.bad += 1
            if render is None or size > MAX_BYTES_EACH:
                self._counts.not_shown += 1
                return
            self._entries.append(Entry(self._last, now, good, size, render))
            self._bytes += size
            if len(self._entries) > self.limit or self._bytes > MAX_BYTES:
                self._let_fall_out()

    def count_discarded(self) -> None:
        """Count an event that an enricher has discarded."""
        with self._lock:
            self._be_of_this_process()
            self._counts.discarded += 1

    def snapshot(self) -> Snapshot:
        """What is kept now."""
        with self._lock:
            self._be_of_this_process()
            entries = list(self._entries)
        for entry in entries:
            _ = entry.text
        with self._lock:
            shown = [entry for entry in self._entries if entry.text]
            self._counts.not_shown += len(self._entries) - len(shown)
            self._entries = deque(shown)
            self._bytes = sum(entry.size for entry in shown)
            self._let_fall_out()
            newest_first = list(self._entries)[::-1]
            return Snapshot(self._name, self._last, self._since, replace(self._counts), newest_first)

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._be_of_this_process()
            self._empty()

    def _let_fall_out(self) -> None:
        while len(self._entries) > self.limit or self._bytes > MAX_BYTES:
            self._bytes -= self._entries.popleft().size
            self._counts.fell_out += 1

    def _be_of_this_process(self) -> None:
        if self._process is not current_process():
            self._begin()

    def _begin(self) -> None:
        self._process: object = current_process()
        self._name = random_uuid()[:8]
        self._last = 0
        self._empty()

    def _empty(self) -> None:
        self._entries.clear()
        self._bytes = 0
        self._counts = Counts()
        self._since = _rfc3339(self._clock())


def _rfc3339(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
