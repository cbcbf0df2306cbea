"""What somebody else said, as a log may show it: in one line, and with no part of some values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .masking import MIN_TEXT, masked, spellings_of

# A name as programs give them. Any other name in a dict may have come from a visitor, too.
_PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$ -]{0,39}")
# Of a whole number: what fits into a double, which is all that JSON can carry. Python writes no more than 4,300 digits.
_MAX_BITS = 1024


def masked_words(messages: Iterable[str], events: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return each of *messages* in one line, with ``…`` for whatever is private in *events*."""
    spellings = spellings_of(private_in_events(events))
    return [in_one_line(masked(message, spellings)) for message in messages]


def in_one_line(text: str) -> str:
    """Return *text* with a space for each character that cannot be printed."""
    return "".join(char if char.isprintable() else " " for char in text)


def private_in_events(events: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what no log may show of *events*, as :func:`private_in` does; their type is no secret."""
    return private_in([{name: value for name, value in event.items() if name != "type"} for event in events])


def private_in(values: Iterable[Any]) -> Iterator[str]:
    """Yield the texts, the long numbers and the unusual names in *values*, also in dicts and lists within them.

    An enricher may leave anything: each object is looked at once, also if it holds itself, and none is asked anything.
    """
    pending, seen = [*values], set()
    while pending:
        each = pending.pop()
        kind = type(each)  # a proxy says by its __class__ that it is a str
        if issubclass(kind, str):
            yield each
        elif issubclass(kind, int | float):
            if len(text := _number_text(each)) >= MIN_TEXT:
                yield text
        elif issubclass(kind, dict | list | tuple) and id(each) not in seen:
            seen.add(id(each))
            if issubclass(kind, dict):
                pending += [name for name in each if not (issubclass(type(name), str) and _PLAIN_NAME.fullmatch(name))]
                pending += each.values()
            else:
                pending += each


def _number_text(number: float) -> str:
    """*number* as JSON and Python write it; empty for a truth value, and for what no double holds."""
    if isinstance(number, float):
        return float.__repr__(number)
    return "" if isinstance(number, bool) or number.bit_length() > _MAX_BITS else int.__repr__(number)
