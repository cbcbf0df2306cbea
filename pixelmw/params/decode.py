"""Decodes the pairs of a query string.

``urllib.parse`` unescapes in Python, each name and each value on its own, which
is slow. Here a whole query is decoded at once by ``binascii.a2b_qp``, which is
written in C. It decodes quoted-printable (RFC 2045, section 6.7), where a byte
is escaped as ``=41`` instead of ``%41``. So the query is first translated into
quoted-printable, then decoded, then split into pairs.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from ..text import decode_utf8

# "%" becomes "=", and "+" a space. "&" and "=" separate, and must not be mixed up with those that were escaped. So they
# become other bytes before the decoding: here the control character 0x1E, which no browser sends.
_QUERY_TO_QP = bytes.maketrans(b"&=%+", b"\x1e\x1e= ")
# A line break among the separators is out of place.
_ALL_BUT_SEPARATORS = bytes(set(range(256)) - set(b"&=\r\n"))
# For irregular queries, separators become bytes that UTF-8 never has: 0xFB for "&", 0xFC for "=", 0xFD for an escaped
# "=", 0xFA for the "%" of a malformed escape. If a query itself has one of these bytes, it becomes 0xFF first. The
# result is the same: each of them decodes to U+FFFD.
_ANY_QUERY_TO_QP = bytes.maketrans(b"&=%+\xfa\xfb\xfc\xfd", b"\xfb\xfc= \xff\xff\xff\xff")
_QP_TO_QUERY = bytes.maketrans(b"=\xfa", b"%%")
_MARKS_TO_EQUALS = bytes.maketrans(b"\xfc\xfd", b"==")
_ESCAPED_MARKS = [f"=F{digit}".encode() for digit in "ABCD"]


def unquote_text(raw: bytes) -> str:
    """Decode one name or one value of a query string, the plain way."""
    raw = raw.replace(b"+", b" ")
    return decode_utf8(unquote_to_bytes(raw) if b"%" in raw else raw)


def decode_pairs(raw: bytes) -> tuple[Sequence[str], Sequence[str]]:
    """The names and the values of a query string, in its order. A name is empty if its pair has none."""
    # The fast path. Every pair must be whole. There must be no line breaks, which quoted-printable would change.
    separators = raw.translate(None, _ALL_BUT_SEPARATORS)
    if separators == b"=&" * (len(separators) // 2) + b"=":
        decoded = binascii.a2b_qp(raw.translate(_QUERY_TO_QP))
        # A correct escape turns three bytes into one. If the length has shrunk by two for each "%", none is malformed.
        if len(decoded) == len(raw) - 2 * raw.count(b"%"):
            tokens = decode_utf8(decoded).split("\x1e")
            if len(tokens) == len(separators) + 1:  # or else the query had 0x1E itself, perhaps escaped
                return tokens[::2], tokens[1::2]
    return _decode_irregular_pairs(raw)


def _decode_irregular_pairs(raw: bytes) -> tuple[Sequence[str], Sequence[str]]:
    """The same for any query: with malformed escapes, control characters or odd pairs. It is nearly as fast."""
    quoted = (raw + b"&").translate(_ANY_QUERY_TO_QP)
    if b"=F" in quoted or b"=f" in quoted:
        for mark in _ESCAPED_MARKS:
            for spelled in (mark, mark.lower(), b"=F" + mark[2:].lower(), b"=f" + mark[2:]):
                quoted = quoted.replace(spelled, b"=FF")
    # a2b_qp leaves a malformed escape as it is, with two exceptions: it takes "=" before a line break for a soft line
    # break, and "==" for one "=". The pairs may overlap ("==="), so "==" is replaced twice.
    for follower in b"=", b"=", b"\r", b"\n":
        if follower in quoted:
            quoted = quoted.replace(b"=" + follower, b"\xfa" + follower)
    quoted = quoted.replace(b"=3D", b"\xfd").replace(b"=3d", b"\xfd")
    decoded = binascii.a2b_qp(quoted).translate(_QP_TO_QUERY)
    pairs = [pair.partition(b"\xfc") for pair in decoded.split(b"\xfb")[:-1]]
    names = [decode_utf8(name.replace(b"\xfd", b"=")) for name, _, _ in pairs]
    return names, [decode_utf8(value.translate(_MARKS_TO_EQUALS)) for _, _, value in pairs]
