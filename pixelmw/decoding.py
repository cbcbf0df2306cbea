"""Decodes what WSGI hands over: bytes in the guise of characters, and pairs of a query string."""

from __future__ import annotations

import binascii
from urllib.parse import unquote_to_bytes

# "&" and "=" as control characters that no browser sends, "%" as quoted-printable spells it, "+" as a space.
_TO_QUOTED_PRINTABLE = bytes.maketrans(b"&=%+", b"\x1e\x1f= ")


def environ_bytes(value: str) -> bytes:
    """The bytes that a WSGI string stands for.

    PEP 3333 has each byte as the latin-1 character of that number. A string
    with any other character comes from a server that has decoded it already.
    """
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def to_text(raw: bytes) -> str:
    """*raw* as UTF-8 that every JSON encoder and database can hold."""
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def unquote(raw: bytes) -> str:
    """Decode one name or one value of a query string."""
    raw = raw.replace(b"+", b" ")
    return to_text(unquote_to_bytes(raw) if b"%" in raw else raw)


def decode_pairs(raw: bytes) -> list[tuple[str, str]]:
    """The names and values of a query string; pairs with an empty name are left out.

    Nearly always all of it is decoded in one go, by the decoder that the
    standard library has in C for quoted-printable, an alphabet away from URLs.
    It is held to have worked where every escape gave one byte; what escapes
    control characters, or has them, is decoded piece by piece.
    """
    if b"%1" not in raw and not any(byte in raw for byte in b"\x1e\x1f\r\n"):
        decoded = binascii.a2b_qp(raw.translate(_TO_QUOTED_PRINTABLE))
        if len(decoded) == len(raw) - 2 * raw.count(b"%"):
            pieces = [piece.partition("\x1f") for piece in to_text(decoded).split("\x1e")]
            return [(name, value.replace("\x1f", "=")) for name, _, value in pieces if name]
    split = [pair.partition(b"=") for pair in raw.split(b"&")]
    return [(unquote(name), unquote(value)) for name, _, value in split if name]
