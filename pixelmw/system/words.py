"""What somebody else said, as a log may show it: in one line, and with no part of some values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from .failures import texts_in
from .masking import MIN_TEXT, masked, spellings_of

# A name as programs give them. Any other name in a dict may have come from a visitor, too.
_PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$ -]{0,39}")


def masked_words(messages: Iterable[str], values: Iterable[Any]) -> list[str]:
    """Return each of *messages* in one line, with ``…`` for whatever is private in *values*.

    :param values: of JSON.
    """
    spellings = spellings_of(private_in(values))
    return [in_one_line(masked(message, spellings)) for message in messages]


def in_one_line(text: str) -> str:
    """Return *text* with a space for each character that cannot be printed."""
    return "".join(char if char.isprintable() else " " for char in text)


def private_in(values: Iterable[Any]) -> Iterator[str]:
    """Yield the texts, the long numbers and the unusual names in *values*."""
    pending: list[Any] = [*values]
    yield from texts_in(pending)
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            yield from (str(name) for name in each if not _PLAIN_NAME.fullmatch(str(name)))
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)
        elif isinstance(each, int | float) and not isinstance(each, bool) and len(text := str(each)) >= MIN_TEXT:
            yield text
