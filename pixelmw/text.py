"""Text: decodes the bytes of a request, finds blank values, and makes text safe for messages and logs."""

from __future__ import annotations

from typing import Any


def environ_bytes(value: str) -> bytes:
    """The bytes that a string of the WSGI environ stands for.

    By PEP 3333, each character is one byte, by its latin-1 number. If there is
    a character beyond latin-1, the server has decoded the string already; its
    bytes are then those of UTF-8.
    """
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def decode_utf8(raw: bytes) -> str:
    """*raw* decoded as UTF-8. NUL and bytes that are not UTF-8 become U+FFFD.

    Every JSON encoder and every database can store the result.
    """
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def is_blank(value: Any) -> bool:
    """Returns True if *value* is ``None``, or a string of nothing but white space."""
    return value is None or (isinstance(value, str) and not value.strip())


def name_without_value(name: str) -> str:
    """A parameter's *name* in a form that a message or a log may show.

    It ends before the first equals sign. A name with an equals sign comes from
    a pair, or a whole query, that was escaped once too often: behind the sign
    is a value, and perhaps the write key.
    """
    name, equals, _ = name.partition("=")
    return shortened(name) + ("=…" if equals else "")


def printable(text: str) -> str:
    """*text* with U+FFFD in place of each character that is invisible or controls a terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def shortened(text: str, max_chars: int = 64) -> str:
    """The first *max_chars* characters of *text*, printable. An ellipsis follows if *text* is longer."""
    return printable(text[:max_chars]) + ("…" if len(text) > max_chars else "")
