"""Proves ordinary events valid without jsonschema's pace: a compiled check that says yes only where it is sure.

A check returns ``True`` where its schema accepts a value for certain, and
``False`` for every no and every doubt. Whoever gets a ``False`` asks
jsonschema, which alone has the words of a refusal.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from .loading import DRAFT_2020_12, Located, located_parts

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
# What JSON has, and nothing that an enricher may have left: of that, nothing is sure.
_JSON = set().union(*_KINDS.values())
_SCALARS = _JSON - {dict, list}
# What these say depends on the way that led to them, so that no part of such a schema can be judged alone.
_NEVER_SURE = {"$dynamicRef", "$recursiveRef", "unevaluatedItems", "unevaluatedProperties"}
# What jsonschema reads together with a keyword.
_COMPANIONS = {
    "if": ("then", "else"),
    "contains": ("minContains", "maxContains"),
    "additionalProperties": ("properties", "patternProperties"),
}


def compile_check(root: Located, validator: Any) -> Check:
    """A check for *root*; one that is never sure for another dialect than draft 2020-12.

    :param root: a checked schema.
    :param validator: jsonschema's validator for it, asked about the parts of an event that
        keywords unknown here are about.
    """
    for part in located_parts(root):
        if _NEVER_SURE & part.schema.keys() or part.schema.get("$schema", DRAFT_2020_12) != DRAFT_2020_12:
            return _never
    return _Compiler(validator).check(root)


class _Compiler:
    """Makes one check for each schema, however often it is referred to."""

    def __init__(self, validator: Any) -> None:
        self._validator = validator
        self._checks: dict[int, Check] = {}

    def check(self, located: Located) -> Check:
        schema = located.schema
        if isinstance(schema, bool):
            return _always if schema else _never
        if id(schema) not in self._checks:
            self._checks[id(schema)] = lambda value: self._checks[id(schema)](
                value
            )  # for a schema that contains itself
            self._checks[id(schema)] = _all(list(self._keywords(located)))
        return self._checks[id(schema)]

    def _keywords(self, located: Located) -> Iterator[Check]:
        schema = located.schema
        unknown: dict[str, Any] = {}
        for keyword, limit in schema.items():
            if keyword in _ALONE:
                yield _ALONE[keyword](limit)
            elif keyword in ("allOf", "anyOf"):
                checks = [self.check(located.child(child)) for child in limit]
                yield _all(checks) if keyword == "allOf" else _any(checks)
            elif keyword == "properties":
                yield _properties({name: self.check(located.child(child)) for name, child in limit.items()})
            elif keyword == "items":
                yield _items(self.check(located.child(limit)), len(schema.get("prefixItems", ())))
            elif keyword == "$ref":
                yield from map(self.check, located.referenced())
            elif keyword in self._validator.VALIDATORS and keyword != "format":  # formats are annotations
                beside = [name for name in _COMPANIONS.get(keyword, ()) if name in schema]
                unknown |= {name: schema[name] for name in (keyword, *beside)}
        if unknown:
            yield self._ask(unknown, located)

    def _ask(self, schema: dict[str, Any], located: Located) -> Check:
        """Leave it to jsonschema, for the keywords of *schema* alone."""

        def check(value: Any) -> bool:
            return next(self._validator.descend(value, schema, resolver=located.resolver), None) is None

        return check


def _always(value: Any) -> bool:
    return True


def _never(value: Any) -> bool:
    return False


def _all(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]

    def check(value: Any) -> bool:
        for each in checks:  # noqa: SIM110 - a generator would take twice the time
            if not each(value):
                return False
        return True

    return check if checks else _always


def _any(checks: list[Check]) -> Check:
    return lambda value: any(check(value) for check in checks)


def _type(named: str | list[str]) -> Check:
    names = [named] if isinstance(named, str) else named
    kinds = set().union(*(_KINDS[name] for name in names))
    if "integer" in names and "number" not in names:
        return lambda value: type(value) in kinds or (type(value) is float and value.is_integer())
    return lambda value: type(value) in kinds


def _enum(accepted: list[Any]) -> Check:
    # With their types, since in Python 1 == True; what cannot be in a set is never sure.
    pairs = {(type(value), value) for value in accepted if type(value) in _SCALARS}
    return lambda value: type(value) in _SCALARS and (type(value), value) in pairs


def _bound(holds: Callable[[Any, Any], bool], limit: float) -> Check:
    return lambda value: holds(value, limit) if type(value) in _KINDS["number"] else type(value) in _JSON


def _size(kind: type[Any], holds: Callable[[Any, Any], bool], limit: float) -> Check:
    return lambda value: holds(len(value), limit) if type(value) is kind else type(value) in _JSON


def _pattern(pattern: str) -> Check:
    search = re.compile(pattern).search
    return lambda value: search(value) is not None if type(value) is str else type(value) in _JSON


def _required(names: list[str]) -> Check:
    needed = frozenset(names)
    return lambda value: needed <= value.keys() if type(value) is dict else type(value) in _JSON


def _properties(checks: dict[str, Check]) -> Check:
    def check(value: Any) -> bool:
        if type(value) is not dict:
            return type(value) in _JSON
        for name, child in value.items():  # noqa: SIM110 - a generator would take twice the time
            if name in checks and not checks[name](child):
                return False
        return True

    return check


def _items(rest: Check, skipped: int) -> Check:
    return lambda value: all(map(rest, value[skipped:])) if type(value) is list else type(value) in _JSON


# Keywords that say all they have to say in their own value.
_ALONE: dict[str, Callable[[Any], Check]] = {
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
