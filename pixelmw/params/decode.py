"""Decodes the pairs of a query string."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from ..text import decode_utf8

# Both ways of decoding lean on the decoder that the standard library has in C for quoted-printable, an alphabet
# away from URLs. These make "=" of "%" and a space of "+", and put what separates out of the way: into control
# characters that no browser sends, or into bytes that no UTF-8 has, and of which each alone becomes U+FFFD.
_TO_QUOTED = bytes.maketrans(b"&=%+", b"\x1e\x1e= ")
_ALL_BUT_SEPARATORS = bytes(set(range(256)) - set(b"&="))
_TO_QUOTED_ANYWAY = bytes.maketrans(b"&=%+\xfa\xfb\xfc\xfd", b"\xfb\xfc= \xff\xff\xff\xff")
_FROM_QUOTED = bytes.maketrans(b"=\xfa", b"%%")
_TO_EQUALS = bytes.maketrans(b"\xfc\xfd", b"==")
_ESCAPED_MARKS = [f"=F{digit}".encode() for digit in "ABCD"]


def unquote_text(raw: bytes) -> str:
    """Decode one name or one value of a query string."""
    raw = raw.replace(b"+", b" ")
    return decode_utf8(unquote_to_bytes(raw) if b"%" in raw else raw)


def decode_pairs(raw: bytes) -> tuple[Sequence[str], Sequence[str]]:
    """The names and the values of a query string, pair by pair; some names may be blank."""
    separators = raw.translate(None, _ALL_BUT_SEPARATORS)
    if separators == b"=&" * (len(separators) // 2) + b"=" and not (
        b"%1" in raw or b"\x1e" in raw or b"\r" in raw or b"\n" in raw
    ):
        decoded = binascii.a2b_qp(raw.translate(_TO_QUOTED))
        if len(decoded) == len(raw) - 2 * raw.count(b"%"):  # every escape gave one byte
            tokens = decode_utf8(decoded).split("\x1e")
            return tokens[::2], tokens[1::2]
    return _decode_anyway(raw)


def _decode_anyway(raw: bytes) -> tuple[Sequence[str], Sequence[str]]:
    """The same for a query with malformed escapes, control characters or odd pairs, at nearly the same pace."""
    quoted = (raw + b"&").translate(_TO_QUOTED_ANYWAY)
    if b"=F" in quoted or b"=f" in quoted:
        for mark in _ESCAPED_MARKS:
            for spelled in (mark, mark.lower(), b"=F" + mark[2:].lower(), b"=f" + mark[2:]):
                quoted = quoted.replace(spelled, b"=FF")
    # A malformed escape comes out as it is, but for what this decoder takes for a line break or for a slip.
    for follower in b"=", b"=", b"\r", b"\n":
        if follower in quoted:
            quoted = quoted.replace(b"=" + follower, b"\xfa" + follower)
    quoted = quoted.replace(b"=3D", b"\xfd").replace(b"=3d", b"\xfd")
    decoded = binascii.a2b_qp(quoted).translate(_FROM_QUOTED)
    pairs = [pair.partition(b"\xfc") for pair in decoded.split(b"\xfb")[:-1]]
    names = [decode_utf8(name.replace(b"\xfd", b"=")) for name, _, _ in pairs]
    return names, [decode_utf8(value.translate(_TO_EQUALS)) for _, _, value in pairs]
