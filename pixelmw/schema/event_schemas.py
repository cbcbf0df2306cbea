"""The schema of each event type: the bundled one, or the one that the user has given instead."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ..events import EVENT_TYPES
from ..params import Limits
from .judge import EventSchema
from .registry import bundled_schema


def event_schemas(
    replacements: Mapping[str, Any] | None = None, pattern_steps: int | None = Limits().pattern_steps
) -> dict[str, EventSchema]:
    """Make the schema of every event type.

    :param replacements: event type -> the JSON Schema that replaces the bundled one.
    :param pattern_steps: see :class:`pixelmw.Limits`.
    :raises TypeError: if *replacements* is not a mapping of dicts.
    :raises ValueError: for an unknown event type or an unusable schema.
    """
    if not isinstance(replacements or {}, Mapping):
        raise TypeError(f"schemas is {replacements!r:.100}: it maps event types to JSON Schemas")
    for event_type in replacements or ():
        if event_type not in EVENT_TYPES:
            raise ValueError(f"schemas has the unknown event type {event_type!r}; known are {', '.join(EVENT_TYPES)}")
    return {name: _bundled_event_schema(name) for name in EVENT_TYPES} | {
        name: EventSchema(f"schemas[{name!r}]", schema, pattern_steps) for name, schema in (replacements or {}).items()
    }


@cache  # compiling one takes milliseconds, and it never changes
def _bundled_event_schema(event_type: str) -> EventSchema:
    return EventSchema(f"the bundled schema of {event_type}", bundled_schema(event_type))
