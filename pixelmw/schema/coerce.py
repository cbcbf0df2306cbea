"""Gives the strings of an event the types that its schema names, before the schema judges the event."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")  # as RFC 8259, section 6 has it
_JSON_LITERALS = {"true": True, "false": False, "null": None}
_JSON_TYPE_OF = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
_REMOVE = object()  # in place of a value: the value is to be removed from its object or list


@dataclass(slots=True)
class Coercion:
    """The part of a schema that is about the types at one place of an event, and at the places below it.

    :ivar types: JSON Schema's names of the types that are allowed here, or
        ``None`` if the schema names none.
    :ivar properties: the coercion of each property of an object, by name.
    :ivar first_items: the coercions of the first items of a list.
    :ivar other_items: the coercion of all items after these, or ``None``.
    """

    types: frozenset[str] | None = None
    properties: dict[str, Coercion] = field(default_factory=dict)
    first_items: list[Coercion] = field(default_factory=list)
    other_items: Coercion | None = None

    @property
    def changes_strings(self) -> bool:
        """True if a string at this place may become something else."""
        return self.types is not None and "string" not in self.types

    def children(self) -> Iterator[Coercion]:
        """The coercions at the places directly below this one."""
        yield from self.properties.values()
        yield from self.first_items
        if self.other_items is not None:
            yield self.other_items

    def coerce(self, value: Any) -> Any:
        """Return *value* with its strings coerced; dicts and lists are changed in place.

        This happens where the schema names types and string is not among them.
        There a string such as "12", "true" or "null" becomes the number, boolean
        or null that it spells in JSON, if the schema allows that type. A blank
        string is removed. Any other string stays as it is.
        """
        if type(value) is dict:
            for name, coercion in self.properties.items():
                if name in value:
                    child = value[name]
                    coerced = coercion.coerce(child)
                    if coerced is _REMOVE:
                        del value[name]
                    elif coerced is not child:
                        value[name] = coerced
        elif type(value) is str:
            return _coerce_text(value, self.types or frozenset()) if self.changes_strings else value
        elif type(value) is list:
            firsts = self.first_items[: len(value)]
            coercions = [*firsts, *[self.other_items] * (len(value) - len(self.first_items))]
            items = [
                coercion.coerce(item) if coercion else item for coercion, item in zip(coercions, value, strict=True)
            ]
            value[:] = [item for item in items if item is not _REMOVE]
        return value


def _coerce_text(text: str, types: frozenset[str]) -> Any:
    if not text.strip():
        return _REMOVE
    value = _value_of_json_text(text)
    return value if _json_type_of(value) in types else text


def _value_of_json_text(text: str) -> Any:
    """The number, boolean or null that *text* spells in JSON; *text* itself if it spells none.

    A number that no IEEE 754 double can hold stays text, because many readers
    of JSON would turn it into infinity.
    """
    if text in _JSON_LITERALS:
        return _JSON_LITERALS[text]
    if (number := _NUMBER.fullmatch(text)) and math.isfinite(float(text)):
        return float(text) if number.lastindex else int(text)
    return text


def _json_type_of(value: Any) -> str:
    """The narrowest of JSON Schema's types for a scalar; 1.0 is an integer, as it is in JSON Schema."""
    if type(value) is float:
        return "integer" if value.is_integer() else "number"
    return _JSON_TYPE_OF[type(value)]
