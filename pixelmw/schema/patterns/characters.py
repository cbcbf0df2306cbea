"""Sets of characters, as sorted ranges of code points, and those that ECMA-262 has a short form for."""

from __future__ import annotations

import sys
from collections.abc import Iterable

#: Sorted ranges of code points, first and last included. No two of them overlap or touch.
Ranges = tuple[tuple[int, int], ...]

_LAST = sys.maxunicode


def union(*parts: Iterable[tuple[int, int]]) -> Ranges:
    """The characters that are in one of *parts*."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(each for part in parts for each in part):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def complement(ranges: Ranges) -> Ranges:
    """The characters that are not in *ranges*."""
    gaps, start = [], 0
    for low, high in ranges:
        if start < low:
            gaps.append((start, low - 1))
        start = high + 1
    return tuple(gaps) if start > _LAST else (*gaps, (start, _LAST))


def single(character: str) -> Ranges:
    """The set of one character."""
    return ((ord(character), ord(character)),)


#: Every code point, surrogates included.
EVERY: Ranges = ((0, _LAST),)
_DIGITS: Ranges = ((0x30, 0x39),)
_WORD = union(_DIGITS, [(0x41, 0x5A), (0x61, 0x7A)], single("_"))
_LINE_ENDS = union(*map(single, "\n\r\u2028\u2029"))
#: What ``.`` matches. In Python it also matches the last three of the four line ends.
ANY_BUT_LINE_ENDS = complement(_LINE_ENDS)
# WhiteSpace and LineTerminator of ECMA-262; of Python's \s, U+001C to U+001F and U+0085 are not among them, and U+FEFF
# is not in Python's.
_SPACE = union([(9, 13), (0x2000, 0x200A)], *map(single, " \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"))
#: Letter -> the characters that it stands for behind a backslash.
CLASS_ESCAPES: dict[str, Ranges] = {
    "d": _DIGITS, "D": complement(_DIGITS),
    "s": _SPACE, "S": complement(_SPACE),
    "w": _WORD, "W": complement(_WORD),
}  # fmt: skip
