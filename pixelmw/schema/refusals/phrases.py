"""What the words of all refusals are made of: names, values and what a keyword asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...params import join_name
from ...text import name_without_value, quoted
from ..compiled import Path, Rule
from .find import Fault

_MAX_KEYWORD_CHARS = 200  # of what the schema has for a keyword, which may be a long enum
# These hold who the visitor is, and from where. A fault of one as a whole is no reason to show that.
_PRIVATE = ("context", "traits")
_SIZES = ("minItems", "maxItems", "minProperties", "maxProperties")

#: Keyword -> what a value must do to satisfy it.
MUST = {
    "type": "be of type {value}",
    "enum": "be one of {value}",
    "const": "be {value}",
    "minLength": "have at least {value} characters",
    "maxLength": "have at most {value} characters",
    "pattern": "match the pattern {value}",
    "minimum": "be at least {value}",
    "maximum": "be at most {value}",
    "exclusiveMinimum": "be greater than {value}",
    "exclusiveMaximum": "be less than {value}",
    "multipleOf": "be a multiple of {value}",
    "minItems": "have at least {value} items",
    "maxItems": "have at most {value} items",
    "minProperties": "have at least {value} properties",
    "maxProperties": "have at most {value} properties",
}


@dataclass(frozen=True, slots=True)
class Worded:
    """A fault in words.

    :ivar path: the names and indexes of the parameter that the refusal names.
    :ivar rule: the keyword that it names.
    :ivar words: what follows the parameter's name in the sentence.
    """

    path: Path
    rule: str
    words: str


def must(keyword: str, value: Any) -> str:
    """What a value must do to satisfy *keyword*, for which the schema has *value*."""
    return MUST.get(keyword, "satisfy {keyword}").format(keyword=keyword, value=quoted(value, _MAX_KEYWORD_CHARS))


def must_satisfy(rule: Rule) -> str:
    """What a value must do to satisfy *rule*."""
    return must(rule.worded_as or rule.keyword, rule.value)


def it_is(fault: Fault) -> str:
    """What the value at fault is. It is not shown where it may hold the visitor's ids or address."""
    if fault.rule.keyword in _SIZES:
        return f"; it has {len(fault.value)}"
    if isinstance(fault.value, dict | list) and (not fault.path or fault.path[0] in _PRIVATE):
        return ""
    return f"; it is {quoted(fault.value)}"


def name_of(path: Sequence[str | int]) -> str:
    """The parameter's name, as a message may show it."""
    return name_without_value(join_name(path))
