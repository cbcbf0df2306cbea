"""Splits the dotted name of a parameter into segments, and joins them again."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SURROGATE = re.compile("[\ud800-\ud802]")


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
    """The dotted name that :func:`split_name` splits into *segments*."""
    return ".".join(str(segment).replace("\\", "\\\\").replace(".", "\\.") for segment in segments)
