"""Dotted names of parameters, and the segments that they stand for."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SURROGATE = re.compile("[\ud800-\ud802]")


def split_name(name: str) -> tuple[list[str], list[int]]:
    """The segments of a dotted name, and the positions of those spelled with an escape."""
    if "\\" not in name:
        return name.split("."), []
    # Decoded text has no surrogates, so that they can stand for an escaped backslash, an escaped dot, another escape.
    segments = name.replace("\\\\", "\ud800").replace("\\.", "\ud801").replace("\\", "\ud802").split(".")
    escaped = [at for at, segment in enumerate(segments) if _SURROGATE.search(segment)]
    for at in escaped:
        segments[at] = segments[at].replace("\ud800", "\\").replace("\ud801", ".").replace("\ud802", "")
    return segments, escaped


def join_name(segments: Sequence[str | int]) -> str:
    """The inverse of :func:`split_name`: segments to a dotted name."""
    return ".".join(str(segment).replace("\\", "\\\\").replace(".", "\\.") for segment in segments)
