"""Makes the message of a refusal from a jsonschema error: one sentence that names the parameter and the rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from ..errors import Rejected
from ..params import join_name
from ..text import name_without_value, quoted

if TYPE_CHECKING:
    from jsonschema import ValidationError

_MAX_KEYWORD_CHARS = 200  # of what the schema has for a keyword, which may be a long enum

_MESSAGES = {
    "type": "must be of type {keyword_value}",
    "enum": "must be one of {keyword_value}",
    "const": "must be {keyword_value}",
    "minLength": "must have at least {keyword_value} characters",
    "maxLength": "must have at most {keyword_value} characters",
    "pattern": "must match the pattern {keyword_value}",
    "minimum": "must be at least {keyword_value}",
    "maximum": "must be at most {keyword_value}",
    "exclusiveMinimum": "must be greater than {keyword_value}",
    "exclusiveMaximum": "must be less than {keyword_value}",
    "multipleOf": "must be a multiple of {keyword_value}",
    "minItems": "must have at least {keyword_value} items",
    "maxItems": "must have at most {keyword_value} items",
    "uniqueItems": "must not hold the same item twice",
    "minProperties": "must have at least {keyword_value} properties",
    "maxProperties": "must have at most {keyword_value} properties",
}


def refusal_of(path: list[str | int], error: ValidationError, event: dict[str, Any]) -> Rejected:
    """Make the refusal of *event* that reports *error*.

    :param path: the names and indexes that lead to the value at fault.
    :returns: ``invalid``, with a message that quotes at most 64 characters of the event.
    """
    keyword = str(error.validator)
    keyword_value: Any = error.validator_value
    instance: Any = error.instance
    if keyword == "required":
        missing = next(name for name in keyword_value if name not in instance)
        return _invalid([*path, missing], keyword, "is required")
    if keyword == "anyOf" and (names := _required_alternatives(error)):
        others = "".join(f" or {name_without_value(join_name([*path, name]))}" for name in names[1:])
        return _invalid([*path, names[0]], keyword, f"{others} is required".lstrip())
    if keyword == "additionalProperties" and keyword_value is False:
        return _invalid([*path, _first_unknown(error)], keyword, "is not among the properties that the schema knows")
    if error.validator is None:  # the schema is false
        return _invalid(_path_to_forbidden(path, instance, event), "false", "is not allowed")
    if keyword == "pattern" and keyword_value == r"\S":
        return _invalid(path, keyword, "must not be blank")
    words = _MESSAGES.get(keyword, "must satisfy {keyword}").format(
        keyword=keyword, keyword_value=quoted(keyword_value, _MAX_KEYWORD_CHARS)
    )
    return _invalid(path, keyword, f"{words}; it is {quoted(instance)}")


def _required_alternatives(error: ValidationError) -> list[str]:
    """The missing properties, if every alternative of an ``anyOf`` failed only because it requires some."""
    context = error.context or ()
    if any(inner.validator != "required" or inner.relative_path for inner in context):
        return []
    instance: Any = error.instance
    alternatives: list[list[str]] = [cast("Any", inner).validator_value for inner in context]
    return [name for names in alternatives for name in names if name not in instance]


def _first_unknown(error: ValidationError) -> str:
    """The first property, in the order of names, that the schema does not know."""
    schema: Any = error.schema
    instance: Any = error.instance
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    unknown: Iterator[str] = (name for name in instance if name not in known)
    return min(name for name in unknown if not any(re.search(pattern, name) for pattern in patterns))


def _path_to_forbidden(path: list[str | int], instance: Any, event: Any) -> list[str | int]:
    """The path to what a ``false`` schema forbids; jsonschema's *path* may lack the last segment."""
    for segment in path:
        event = event[segment]
    children = event.items() if isinstance(event, dict) else enumerate(event) if isinstance(event, list) else ()
    return path + [segment for segment, child in children if child is instance][:1]


def _invalid(path: list[str | int], keyword: str, words: str) -> Rejected:
    name = join_name(path)
    return Rejected("invalid", f"{name_without_value(name) or 'the event'} {words}", path=name or None, rule=keyword)
