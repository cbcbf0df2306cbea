"""What the live view keeps: the newest events and refusals of this process, bounded in number and in bytes.

1. Each event or refusal gets the next number, whether it can be shown or not.
2. The newest *limit* of them are kept, and of these so many as fit into
   :data:`MAX_BYTES`. The others fall out, oldest first, and are counted.
3. What is larger than :data:`MAX_BYTES_EACH`, or is no JSON, cannot be shown. It is counted, too.
4. A child of a fork begins with nothing and with a name of its own: numbers of
   two processes, or of two runs, are never taken for each other's.
5. A reset empties it and sets the counts to zero. The numbers go on.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from ..system.fork import ForkSafeLock, current_process
from ..system.ids import random_uuid

#: In all; a thousand events of a usual size take one or two megabytes. A page that shows this much takes some 80 MB.
MAX_BYTES = 8 * 1024 * 1024
#: For one. A query at its limit of 32 KB, all in characters that take six bytes in JSON, is smaller.
MAX_BYTES_EACH = 512 * 1024


class Entry(NamedTuple):
    """One event or refusal that is kept.

    :ivar text: a JSON object.
    """

    number: int
    good: bool
    text: str


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
        self._begin()

    def add(self, members: str | None, *, good: bool) -> None:
        """Keep what has these *members* in JSON; ``None`` if it cannot be shown."""
        now = self._clock()
        with self._lock:
            self._be_of_this_process()
            self._last += 1
            counts = self._counts
            if good:
                counts.good += 1
            else:
                counts.bad += 1
            if members is None or len(members) > MAX_BYTES_EACH:
                counts.not_shown += 1
                return
            text = f'{{"number":{self._last},"time":"{_rfc3339(now)}",{members}}}'
            self._entries.append(Entry(self._last, good, text))
            self._bytes += len(text)
            while len(self._entries) > self.limit or self._bytes > MAX_BYTES:
                self._bytes -= len(self._entries.popleft().text)
                counts.fell_out += 1

    def count_discarded(self) -> None:
        """Count an event that an enricher has discarded."""
        with self._lock:
            self._be_of_this_process()
            self._counts.discarded += 1

    def snapshot(self) -> Snapshot:
        """What is kept now."""
        with self._lock:
            self._be_of_this_process()
            entries = list(self._entries)[::-1]
            return Snapshot(self._name, self._last, self._since, replace(self._counts), entries)

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._be_of_this_process()
            self._empty()

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
