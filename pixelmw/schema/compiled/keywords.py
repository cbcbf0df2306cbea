"""Checks of single JSON Schema keywords that depend on no other schema.

Many keywords apply to one JSON type only, and a value of any other JSON type
satisfies them, so the check returns True for it. A value that is of no JSON
type satisfies none.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from ..drafts import Draft
from ..values import JSON_TYPES, SCALARS, exact_ratio, identity, same
from .node import Check, Memory

_PYTHON_TYPES: dict[str, set[type]] = {
    "string": {str},
    "boolean": {bool},
    "null": {type(None)},
    "object": {dict},
    "array": {list},
    "number": {int, float},
    "integer": {int},
}


def type_check(named: str | list[str], draft: Draft) -> Check:
    """Make the check of ``type``."""
    names = [named] if isinstance(named, str) else named
    types = set().union(*(_PYTHON_TYPES[name] for name in names))
    if "integer" in names and "number" not in names and not draft.integer_by_spelling:  # 1.0 is an integer
        return lambda value, memory: type(value) in types or (type(value) is float and value.is_integer())
    if len(types) == 1:
        (only_type,) = types
        return lambda value, memory: type(value) is only_type
    return lambda value, memory: type(value) in types


def _enum(accepted: list[Any]) -> Check:
    # A boolean is told from a number by its type, since 1 == True in Python. Dicts and lists cannot be in a set.
    scalars = {(type(value) is bool, value) for value in accepted if type(value) in SCALARS}
    others = [value for value in accepted if type(value) not in SCALARS]

    def check(value: Any, memory: Memory) -> bool:
        if type(value) in SCALARS:
            return (type(value) is bool, value) in scalars
        return any(same(value, other) for other in others)

    return check


def _compare_number(compare: Callable[[Any, Any], bool], limit: float) -> Check:
    numbers = _PYTHON_TYPES["number"]
    return lambda value, memory: compare(value, limit) if type(value) in numbers else type(value) in JSON_TYPES


def _least_size(of_type: type[Any], limit: float) -> Check:
    return lambda value, memory: len(value) >= limit if type(value) is of_type else type(value) in JSON_TYPES


def _most_size(of_type: type[Any], limit: float) -> Check:
    return lambda value, memory: len(value) <= limit if type(value) is of_type else type(value) in JSON_TYPES


def _required(names: list[str]) -> Check:
    needed = frozenset(names)
    return lambda value, memory: needed <= value.keys() if type(value) is dict else type(value) in JSON_TYPES


def _multiple_of(divisor: float) -> Check:
    numerator, denominator = exact_ratio(divisor)

    def check(value: Any, memory: Memory) -> bool:
        if type(value) is int:
            return value * denominator % numerator == 0
        if type(value) is not float:
            return type(value) in JSON_TYPES
        if not math.isfinite(value):
            return False
        over, under = exact_ratio(value)
        return over * denominator % (under * numerator) == 0

    return check


def _unique_items(wanted: bool) -> Check:
    def check(value: Any, memory: Memory) -> bool:
        if not wanted or type(value) is not list:
            return type(value) in JSON_TYPES
        return len(set(map(identity, value))) == len(value)

    return check


#: Keyword -> makes its check from its value in the schema. These mean the same in every draft that has them.
SIMPLE_KEYWORDS: dict[str, Callable[[Any], Check]] = {
    "enum": _enum,
    "const": lambda value: _enum([value]),
    "minimum": partial(_compare_number, operator.ge),
    "maximum": partial(_compare_number, operator.le),
    "exclusiveMinimum": partial(_compare_number, operator.gt),
    "exclusiveMaximum": partial(_compare_number, operator.lt),
    "minLength": partial(_least_size, str),
    "maxLength": partial(_most_size, str),
    "minItems": partial(_least_size, list),
    "maxItems": partial(_most_size, list),
    "minProperties": partial(_least_size, dict),
    "maxProperties": partial(_most_size, dict),
    "multipleOf": _multiple_of,
    "uniqueItems": _unique_items,
    "required": _required,
}
