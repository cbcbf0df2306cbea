"""Checks of single JSON Schema keywords, for the compiled schemas of :mod:`pixelmw.schema.compiled`.

A check returns True only if the value certainly satisfies the keyword. Many
keywords apply to one JSON type only, and a value of any other JSON type
satisfies them, so the check returns True for it. An enricher may leave a value
that is of no JSON type. For such a value a check returns False.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import partial
from typing import Any

#: Takes a value; returns True if it certainly satisfies the keyword, False if jsonschema has to be asked.
Check = Callable[[Any], bool]

_PYTHON_TYPES: dict[str, set[type]] = {
    "string": {str},
    "boolean": {bool},
    "null": {type(None)},
    "object": {dict},
    "array": {list},
    "number": {int, float},
    "integer": {int},
}
#: The Python types of the values that JSON has. Checks compare types exactly: a bool is an int in Python, not in JSON.
JSON_TYPES = set().union(*_PYTHON_TYPES.values())
_SCALARS = JSON_TYPES - {dict, list}


def _type(named: str | list[str]) -> Check:
    names = [named] if isinstance(named, str) else named
    types = set().union(*(_PYTHON_TYPES[name] for name in names))
    if "integer" in names and "number" not in names:  # 1.0 is an integer in JSON Schema
        return lambda value: type(value) in types or (type(value) is float and value.is_integer())
    if len(types) == 1:
        (only_type,) = types
        return lambda value: type(value) is only_type
    return lambda value: type(value) in types


def _enum(accepted: list[Any]) -> Check:
    # Each value goes with its type, since 1 == True in Python. Dicts and lists cannot be in a set: they are left to
    # jsonschema.
    pairs = {(type(value), value) for value in accepted if type(value) in _SCALARS}
    return lambda value: type(value) in _SCALARS and (type(value), value) in pairs


def _compare_number(compare: Callable[[Any, Any], bool], limit: float) -> Check:
    return lambda value: compare(value, limit) if type(value) in _PYTHON_TYPES["number"] else type(value) in JSON_TYPES


def _compare_size(of_type: type[Any], compare: Callable[[Any, Any], bool], limit: float) -> Check:
    return lambda value: compare(len(value), limit) if type(value) is of_type else type(value) in JSON_TYPES


def _pattern(pattern: str) -> Check:
    search = re.compile(pattern).search
    return lambda value: search(value) is not None if type(value) is str else type(value) in JSON_TYPES


def _required(names: list[str]) -> Check:
    needed = frozenset(names)
    return lambda value: needed <= value.keys() if type(value) is dict else type(value) in JSON_TYPES


#: Keyword -> makes its check from its value in the schema. These keywords depend on no other keyword beside them.
SIMPLE_KEYWORDS: dict[str, Callable[[Any], Check]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda value: _enum([value]),
    "minimum": partial(_compare_number, operator.ge),
    "maximum": partial(_compare_number, operator.le),
    "exclusiveMinimum": partial(_compare_number, operator.gt),
    "exclusiveMaximum": partial(_compare_number, operator.lt),
    "minLength": partial(_compare_size, str, operator.ge),
    "maxLength": partial(_compare_size, str, operator.le),
    "minItems": partial(_compare_size, list, operator.ge),
    "maxItems": partial(_compare_size, list, operator.le),
    "pattern": _pattern,
    "required": _required,
}


def all_hold(checks: list[Check]) -> Check:
    """Make a check that returns True if all of *checks* do."""
    if len(checks) == 1:
        return checks[0]

    def check(value: Any) -> bool:
        for each in checks:  # noqa: SIM110 - a generator would take twice the time
            if not each(value):
                return False
        return True

    return check


def any_holds(checks: list[Check]) -> Check:
    """Make a check that returns True if one of *checks* does."""

    def check(value: Any) -> bool:
        for each in checks:  # noqa: SIM110 - as above
            if each(value):
                return True
        return False

    return check


def properties(checks: dict[str, Check]) -> Check:
    """Make a check of an object's properties from the check of each property, by name."""

    def check(value: Any) -> bool:
        if type(value) is not dict:
            return type(value) in JSON_TYPES
        for name, child in value.items():  # noqa: SIM110 - as above
            if name in checks and not checks[name](child):
                return False
        return True

    return check


def items(check: Check, skipped: int) -> Check:
    """Make a check of a list from the check of an item; the first *skipped* items are not checked."""
    return lambda value: all(map(check, value[skipped:])) if type(value) is list else type(value) in JSON_TYPES
