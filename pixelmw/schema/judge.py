"""Judges events: coerces what the schema types, then validates, and says in words what was refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, cast

from jsonschema import ValidationError

from ..errors import Rejected
from ..events import EVENT_TYPES
from ..params import join_name
from ..text import printable_name, shortened
from .coerce import compile_coercion
from .compiled import CompiledSchema
from .load import load_schema
from .registry import bundled_schema

# Keywords that say that something inside failed; what failed inside is the better answer.
_VAGUE = ("anyOf", "oneOf", "not", "if", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems")

_WORDS = {
    "type": "must be of type {limit}",
    "enum": "must be one of {limit}",
    "const": "must be {limit}",
    "minLength": "must have at least {limit} characters",
    "maxLength": "must have at most {limit} characters",
    "pattern": "must match the pattern {limit}",
    "minimum": "must be at least {limit}",
    "maximum": "must be at most {limit}",
    "exclusiveMinimum": "must be greater than {limit}",
    "exclusiveMaximum": "must be less than {limit}",
    "multipleOf": "must be a multiple of {limit}",
    "minItems": "must have at least {limit} items",
    "maxItems": "must have at most {limit} items",
    "uniqueItems": "must not hold the same item twice",
    "minProperties": "must have at least {limit} properties",
    "maxProperties": "must have at most {limit} properties",
}


class EventSchema:
    """One event type's schema, ready to judge; safe to share between threads."""

    def __init__(self, name: str, schema: Any) -> None:
        validator, located = load_schema(name, schema)
        self._plan = compile_coercion(located)
        self._proof = CompiledSchema(located, validator)

    def apply(self, event: dict[str, Any]) -> None:
        """Coerce *event* in place, then validate it.

        :raises Rejected: ``invalid``, with the path and the keyword at fault;
            the choice among several does not depend on the order of parameters.
        """
        self._plan.coerce(event)
        if not self._proof.holds(event):
            errors = [([*path, *error.absolute_path], error) for path, error in self._proof.errors(event)]
            if errors:
                raise _refusal(*min(errors, key=_rank), event)


def event_schemas(replacements: Mapping[str, Any] | None = None) -> dict[str, EventSchema]:
    """The schema of every event type: the bundled ones, but for the *replacements*.

    :raises TypeError: where *replacements* is not a mapping of dicts.
    :raises ValueError: for an unknown event type or an unusable schema.
    """
    if not isinstance(replacements or {}, Mapping):
        raise TypeError(f"schemas is {replacements!r:.100}: it maps event types to JSON Schemas")
    for event_type in replacements or ():
        if event_type not in EVENT_TYPES:
            raise ValueError(f"schemas has the unknown event type {event_type!r}; known are {', '.join(EVENT_TYPES)}")
    return {name: _bundled(name) for name in EVENT_TYPES} | {
        name: EventSchema(f"schemas[{name!r}]", schema) for name, schema in (replacements or {}).items()
    }


@cache
def _bundled(event_type: str) -> EventSchema:
    return EventSchema(f"the bundled schema of {event_type}", bundled_schema(event_type))


def _rank(found: tuple[list[str | int], ValidationError]) -> tuple[bool, int, list[str], str, str]:
    path, error = found
    instance = json.dumps(error.instance, sort_keys=True, default=str)
    return error.validator in _VAGUE, len(path), [str(segment) for segment in path], str(error.validator), instance


def _refusal(path: list[str | int], error: ValidationError, event: dict[str, Any]) -> Rejected:
    """What jsonschema found, in words that hold at most 64 characters of the event."""
    keyword = str(error.validator)
    limit: Any = error.validator_value
    instance: Any = error.instance
    if keyword == "required":
        missing = next(name for name in limit if name not in instance)
        return _invalid([*path, missing], keyword, "is required")
    if keyword == "anyOf" and (names := _alternatives(error)):
        others = "".join(f" or {printable_name(join_name([*path, name]))}" for name in names[1:])
        return _invalid([*path, names[0]], keyword, f"{others} is required".lstrip())
    if keyword == "additionalProperties" and limit is False:
        return _invalid([*path, _first_unknown(error)], keyword, "is not among the properties that the schema knows")
    if error.validator is None:  # the schema is false
        return _invalid(_path_to_false(path, instance, event), "false", "is not allowed")
    if keyword == "pattern" and limit == r"\S":
        return _invalid(path, keyword, "must not be blank")
    words = _WORDS.get(keyword, "must satisfy {keyword}").format(keyword=keyword, limit=_quote(limit, 200))
    return _invalid(path, keyword, f"{words}; it is {_quote(instance, 64)}")


def _alternatives(error: ValidationError) -> list[str]:
    """The properties of which one is enough, where that is all that the alternatives ask for."""
    context = error.context or ()
    if any(inner.validator != "required" or inner.relative_path for inner in context):
        return []
    instance: Any = error.instance
    alternatives: list[list[str]] = [cast("Any", inner).validator_value for inner in context]
    return [name for names in alternatives for name in names if name not in instance]


def _first_unknown(error: ValidationError) -> str:
    schema: Any = error.schema
    instance: Any = error.instance
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    unknown: Iterator[str] = (name for name in instance if name not in known)
    return min(name for name in unknown if not any(re.search(pattern, name) for pattern in patterns))


def _path_to_false(path: list[str | int], instance: Any, event: Any) -> list[str | int]:
    """The path to what a false schema refuses; jsonschema may leave its last segment out."""
    for segment in path:
        event = event[segment]
    children = event.items() if isinstance(event, dict) else enumerate(event) if isinstance(event, list) else ()
    return path + [segment for segment, child in children if child is instance][:1]


def _quote(value: Any, length: int) -> str:
    """*value* as JSON, of which at most *length* characters are shown."""
    if isinstance(value, str):
        return f'"{shortened(value, length)}"'
    return shortened(json.dumps(value, ensure_ascii=False, sort_keys=True), length)


def _invalid(path: list[str | int], keyword: str, what: str) -> Rejected:
    name = join_name(path)
    return Rejected("invalid", f"{printable_name(name) or 'the event'} {what}", path=name or None, rule=keyword)
