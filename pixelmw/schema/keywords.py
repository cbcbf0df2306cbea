"""Checks of single JSON Schema keywords, for the compiled schemas of :mod:`pixelmw.schema.compiled`.

Each is ``True`` only where the keyword is satisfied for certain. A keyword that
is about another type than the value's is satisfied, as long as that is a type
that JSON has; of anything else that an enricher may have left, nothing is sure.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import partial
from typing import Any

Check = Callable[[Any], bool]

_KINDS: dict[str, set[type]] = {
    "string": {str},
    "boolean": {bool},
    "null": {type(None)},
    "object": {dict},
    "array": {list},
    "number": {int, float},
    "integer": {int},
}
#: The types that JSON has.
JSON = set().union(*_KINDS.values())
_SCALARS = JSON - {dict, list}


def _type(named: str | list[str]) -> Check:
    names = [named] if isinstance(named, str) else named
    kinds = set().union(*(_KINDS[name] for name in names))
    if "integer" in names and "number" not in names:
        return lambda value: type(value) in kinds or (type(value) is float and value.is_integer())
    if len(kinds) == 1:
        (kind,) = kinds
        return lambda value: type(value) is kind
    return lambda value: type(value) in kinds


def _enum(accepted: list[Any]) -> Check:
    # With their types, since in Python 1 == True; what cannot be in a set is never sure.
    pairs = {(type(value), value) for value in accepted if type(value) in _SCALARS}
    return lambda value: type(value) in _SCALARS and (type(value), value) in pairs


def _bound(holds: Callable[[Any, Any], bool], limit: float) -> Check:
    return lambda value: holds(value, limit) if type(value) in _KINDS["number"] else type(value) in JSON


def _size(kind: type[Any], holds: Callable[[Any, Any], bool], limit: float) -> Check:
    return lambda value: holds(len(value), limit) if type(value) is kind else type(value) in JSON


def _pattern(pattern: str) -> Check:
    search = re.compile(pattern).search
    return lambda value: search(value) is not None if type(value) is str else type(value) in JSON


def _required(names: list[str]) -> Check:
    needed = frozenset(names)
    return lambda value: needed <= value.keys() if type(value) is dict else type(value) in JSON


#: Keywords that say all they have to say in their own value -> what makes their check.
SIMPLE_KEYWORDS: dict[str, Callable[[Any], Check]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda value: _enum([value]),
    "minimum": partial(_bound, operator.ge),
    "maximum": partial(_bound, operator.le),
    "exclusiveMinimum": partial(_bound, operator.gt),
    "exclusiveMaximum": partial(_bound, operator.lt),
    "minLength": partial(_size, str, operator.ge),
    "maxLength": partial(_size, str, operator.le),
    "minItems": partial(_size, list, operator.ge),
    "maxItems": partial(_size, list, operator.le),
    "pattern": _pattern,
    "required": _required,
}


def every(checks: list[Check]) -> Check:
    """A check that holds where all of *checks* do."""
    if len(checks) == 1:
        return checks[0]

    def check(value: Any) -> bool:
        for each in checks:  # noqa: SIM110 - a generator would take twice the time
            if not each(value):
                return False
        return True

    return check


def some(checks: list[Check]) -> Check:
    """A check that holds where one of *checks* does."""

    def check(value: Any) -> bool:
        for each in checks:  # noqa: SIM110 - as above
            if each(value):
                return True
        return False

    return check


def properties(checks: dict[str, Check]) -> Check:
    """A check of the properties of an object, by their names."""

    def check(value: Any) -> bool:
        if type(value) is not dict:
            return type(value) in JSON
        for name, child in value.items():  # noqa: SIM110 - as above
            if name in checks and not checks[name](child):
                return False
        return True

    return check


def items(check: Check, skipped: int) -> Check:
    """A check of the items of a list but for the first *skipped*."""
    return lambda value: all(map(check, value[skipped:])) if type(value) is list else type(value) in JSON
