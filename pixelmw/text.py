"""Text: what bytes stand for, what says nothing, and what a message or a log may show."""

from __future__ import annotations

from typing import Any


def environ_bytes(value: str) -> bytes:
    """The bytes that a WSGI string stands for.

    PEP 3333 has each byte as the latin-1 character of that number. A string
    with any other character comes from a server that has decoded it already.
    """
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def decode_utf8(raw: bytes) -> str:
    """*raw* as UTF-8 that every JSON encoder and database can hold."""
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def is_blank(value: Any) -> bool:
    """Whether *value* says nothing: absent, or a string without a visible character."""
    return value is None or (isinstance(value, str) and not value.strip())


def printable_name(name: str) -> str:
    """A parameter's *name* as a message or a log may show it.

    A name with an equals sign in it is a pair, or a whole query, that was
    escaped once too often: what follows is a value, if not the write key.
    """
    name, equals, _ = name.partition("=")
    return shortened(name) + ("=…" if equals else "")


def printable(text: str) -> str:
    """*text* with every character that could move a cursor or hide shown as U+FFFD."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def shortened(text: str, length: int = 64) -> str:
    """The first *length* characters of *text*, printable, with an ellipsis where some are left off."""
    return printable(text[:length]) + ("…" if len(text) > length else "")
