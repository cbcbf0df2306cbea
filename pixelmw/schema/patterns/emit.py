"""Writes a parsed pattern as a regular expression of Python, for ``re.ASCII``."""

from __future__ import annotations

import re

from .characters import Ranges, complement
from .tree import Assertion, Characters, Choice, Look, Node, Repeat, Sequence, width_of

# \b is ECMA-262's with re.ASCII. Python's $ also matches before a newline at the end, and its \B not in an empty text
# (before 3.14).
_ASSERTIONS = {"^": r"\A", "$": r"\Z", "b": r"\b", "B": r"(?!\b)"}


def emit(node: Node) -> str:
    """The regular expression of Python that matches what *node* does."""
    match node:
        case Characters(ranges):
            return _characters(ranges)
        case Assertion(kind):
            return _ASSERTIONS[kind]
        case Look(body, behind, negated):
            return f"(?{'<' * behind}{'!' if negated else '='}{emit(body)})"
        case Sequence(parts):
            return "".join(f"(?:{emit(part)})" if isinstance(part, Choice) else emit(part) for part in parts)
        case Choice(branches):
            return "|".join(map(emit, branches))
        case Repeat(body, low, high, lazy):
            return _repeat(body, low, high, lazy)


def _repeat(body: Node, low: int, high: int | None, lazy: bool) -> str:
    width = width_of(body)
    if width.surely_empty:
        # The repetitions that are demanded could all be empty. Python would count them one by one.
        low = 0
    elif width.high == 0:
        low, high = min(low, 1), 0 if high == 0 else 1
    text = emit(body) if isinstance(body, Characters) else f"(?:{emit(body)})"
    return f"{text}{{{low},{'' if high is None else high}}}{'?' * lazy}"


def _characters(ranges: Ranges) -> str:
    if not ranges:
        return r"[^\s\S]"  # [] matches nothing. Its width is one, as that of any class, for a look-behind.
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return re.escape(chr(ranges[0][0]))
    others = complement(ranges)
    negated = bool(others) and len(others) < len(ranges)
    members = "".join(
        _in_class(low) if low == high else f"{_in_class(low)}-{_in_class(high)}"
        for low, high in (others if negated else ranges)
    )
    return f"[{'^' * negated}{members}]"


def _in_class(code: int) -> str:
    character = chr(code)
    return character if character.isascii() and character.isalnum() else f"\\U{code:08x}"
