"""Places in a schema: where each part of it stands, and how a JSON pointer spells that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

#: The names and indexes that lead to a part of a JSON document.
Place = tuple[str | int, ...]


def parts_of(document: Any) -> Iterator[tuple[Any, Place]]:
    """Each dict and list in *document*, which is JSON, and the place that it stands at."""
    waiting: list[tuple[Any, Place]] = [(document, ())]
    while waiting:
        value, place = waiting.pop()
        if isinstance(value, dict | list):
            yield value, place
            children = list(value.items() if isinstance(value, dict) else enumerate(value))
            waiting += [(child, (*place, segment)) for segment, child in reversed(children)]


def places_of(document: Any) -> dict[int, Place]:
    """The id of each dict and list in *document*, which is JSON, and the place that it stands at."""
    return {id(value): place for value, place in parts_of(document)}


def pointer(place: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of *place*."""
    return "".join(f"/{escaped(segment)}" for segment in place)


def escaped(segment: str | int) -> str:
    """One segment of a JSON pointer, without the slash in front."""
    return str(segment).replace("~", "~0").replace("/", "~1")
