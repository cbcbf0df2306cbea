"""Hides texts in a message, in whichever spelling they stand there: quoted, escaped or cut off."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

#: Characters; a shorter one says little about anybody, and is part of many a word.
MIN_TEXT = 4
_MIN_PART = 8  # characters of a text at its beginning or end that are hidden; reprlib leaves twelve
# A sink may have put a whole event in its message. What is not shown needs no search: 1 ms for each 100 texts.
_MAX_SEARCHED = 65_536
_MAX_MESSAGE = 1000  # characters


def spellings_of(texts: Iterable[str]) -> list[str]:
    """Each of *texts* as a message may show it, the longest first."""
    found = {spelling for text in texts for spelling in _spellings(text) if len(spelling) >= MIN_TEXT}
    return sorted(found, key=len, reverse=True)


def _spellings(text: str) -> Iterator[str]:
    for spelled in {text, text.strip()}:
        yield spelled
        yield html.escape(spelled)
        yield spelled.replace("'", "''")  # SQL
        encoded = spelled.encode("utf-8", "surrogatepass")
        yield quote(encoded)
        yield quote_plus(encoded)
        yield from _escaped(spelled)
        for in_json in {json.dumps(spelled)[1:-1], json.dumps(spelled, ensure_ascii=False)[1:-1]}:
            yield in_json
            if in_json != spelled or not spelled.isascii():
                yield from _escaped(in_json)  # a command or a request that holds JSON


def _escaped(text: str) -> Iterator[str]:
    """*text* within what ``repr`` shows of a longer text, or of its bytes."""
    encoded = (text + "'\"").encode("utf-8", "surrogatepass")
    yield ascii(text)[1:-1]
    # With both quotation marks in it, it stands between single ones.
    for shown in (repr(text + "'\"")[1:-4], repr(encoded)[2:-4]):
        yield shown
        yield shown.replace("\\'", "'")


def masked(message: str, spellings: Iterable[str], short_keys: Iterable[str] = ()) -> str:
    """Return *message*, up to 1,000 characters, with ``…`` for what stands in it of *spellings*, whole or cut off.

    :param spellings: as :func:`spellings_of` gives them.
    :param short_keys: words that are hidden where they stand alone.
    """
    if len(message) > _MAX_SEARCHED:
        return "…"
    for spelling in spellings:
        message = message.replace(spelling, "…")
    for spelling in spellings:
        if len(spelling) > _MIN_PART:
            message = _without_beginning(message, spelling)
            message = _without_beginning(message[::-1], spelling[::-1])[::-1]
    for key in short_keys:  # not within a word: "k" is no part of "disk"
        message = re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", "…", message)
    return message[:_MAX_MESSAGE] + "…" * (len(message) > _MAX_MESSAGE)


def _without_beginning(message: str, text: str) -> str:
    """*message* without what stands in it of the beginning of *text*, as where a quotation was cut off."""
    while (at := message.find(text[:_MIN_PART])) >= 0:
        alike = zip(message[at:], text, strict=False)
        length = next((length for length, (shown, char) in enumerate(alike) if shown != char), len(text))
        message = message[:at] + "…" + message[at + length :]
    return message
