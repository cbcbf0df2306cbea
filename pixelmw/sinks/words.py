"""What a server or a client library said, cut to what a message may show: no part of an event, and one line."""

from __future__ import annotations

from collections.abc import Iterable

from ..events import Event
from ..system.masking import masked, spellings_of
from ..system.words import in_one_line, private_in_events

_MAX_CHARS = 200  # that are shown; a reason fits
_MAX_READ = 4000  # that are looked at: what a server says beyond that is no reason


def server_words(words: str, events: Iterable[Event], *, all_lines: bool = False) -> str:
    """Return the first line of *words*, in at most 200 printable characters, with ``…`` for each text of *events*.

    Servers and client libraries quote what they were sent: redis-py a whole
    command, a database a value, a data plane the event that it refuses.

    :param all_lines: return the other lines, too, behind the first one.
    """
    # A text may have line breaks, so it is looked for first.
    shown = masked(words.strip()[:_MAX_READ], spellings_of(private_in_events(events)))
    return in_one_line(shown if all_lines else shown.partition("\n")[0].rstrip())[:_MAX_CHARS]
