"""Repairs the dotted name of a parameter, splits it into segments, and joins these again."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SURROGATE = re.compile("[\ud800-\ud802]")
_DAMAGE_IN_FRONT = re.compile(r"(?:\s|amp;)+")


def repair_name(name: str) -> str:
    """*name* without white space around it, and without ``amp;`` in front, however often.

    That is what becomes of a link that was escaped for HTML once too often, or
    was broken over two lines. What is escaped stays: ``\\ `` at either end, and
    ``\\amp;`` in front.
    """
    if damage := _DAMAGE_IN_FRONT.match(name):
        name = name[damage.end() :]
    repaired = name.rstrip()
    if len(repaired) < len(name) and _ends_with_escape(repaired):
        repaired = name[: len(repaired) + 1]
    return repaired


def _ends_with_escape(name: str) -> bool:
    """Returns True if the character behind *name* would be escaped: it ends with an odd number of backslashes."""
    return (len(name) - len(name.rstrip("\\"))) % 2 == 1


def split_name(name: str) -> tuple[list[str], list[int]]:
    """The segments of a dotted name, and the positions of those that contain an escape."""
    if "\\" not in name:
        return name.split("."), []
    # Decoded text has no surrogates. So one each can stand for an escaped backslash, an escaped dot and another escape
    # while the name is split at its other dots.
    segments = name.replace("\\\\", "\ud800").replace("\\.", "\ud801").replace("\\", "\ud802").split(".")
    escaped = [position for position, segment in enumerate(segments) if _SURROGATE.search(segment)]
    for position in escaped:
        segments[position] = segments[position].replace("\ud800", "\\").replace("\ud801", ".").replace("\ud802", "")
    return segments, escaped


def join_name(segments: Sequence[str | int]) -> str:
    """The dotted name that :func:`repair_name` leaves as it is and :func:`split_name` splits into *segments*."""
    return protect_name(".".join(escape_segment(str(segment)) for segment in segments))


def escape_segment(segment: str) -> str:
    """*segment* with escapes, so that it is one segment of a name."""
    return segment.replace("\\", "\\\\").replace(".", "\\.")


def protect_name(name: str) -> str:
    """*name* with escapes at its ends, so that :func:`repair_name` takes nothing away."""
    if _DAMAGE_IN_FRONT.match(name):
        name = f"\\{name}"
    if name != name.rstrip() and not _ends_with_escape(name[:-1]):
        name = f"{name[:-1]}\\{name[-1]}"
    return name
