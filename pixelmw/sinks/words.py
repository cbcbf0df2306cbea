"""What a server or a client library said, cut to what a message may show: no part of an event, and one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..events import Event
from ..system.failures import texts_in
from ..system.masking import MIN_TEXT, masked, spellings_of

_MAX_CHARS = 200  # that are shown; a reason fits
_MAX_READ = 4000  # that are looked at: what a server says beyond that is no reason
# A name as programs give them. Any other name in an event may have come from a visitor, too.
_PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$ -]{0,39}")


def server_words(words: str, events: Iterable[Event], *, all_lines: bool = False) -> str:
    """Return the first line of *words*, in at most 200 printable characters, with ``…`` for each text of *events*.

    Servers and client libraries quote what they were sent: redis-py a whole
    command, a database a value, a data plane the event that it refuses.

    :param all_lines: return the other lines, too, behind the first one.
    """
    # A text may have line breaks, so it is looked for first.
    shown = masked(words.strip()[:_MAX_READ], spellings_of(private_in([*events])))
    line = shown if all_lines else shown.partition("\n")[0].rstrip()
    return _in_one_line(line)[:_MAX_CHARS]


def masked_words(messages: Iterable[str], events: Iterable[Event]) -> list[str]:
    """Return each of *messages* in one line of printable characters, with ``…`` for each text of *events*."""
    spellings = spellings_of(private_in([*events]))
    return [_in_one_line(masked(message, spellings)) for message in messages]


def _in_one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def private_in(events: list[Event]) -> Iterator[str]:
    """Yield what no log may show of *events*: texts, long numbers and unusual names; their type is no secret."""
    for event in events:
        values = [value for name, value in event.items() if name != "type"]
        yield from texts_in(values)
        yield from _numbers_and_names_in([event])


def _numbers_and_names_in(value: list[Any]) -> Iterator[str]:
    pending: list[Any] = [*value]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            yield from (str(name) for name in each if not _PLAIN_NAME.fullmatch(str(name)))
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)
        elif isinstance(each, int | float) and not isinstance(each, bool) and len(text := str(each)) >= MIN_TEXT:
            yield text
