"""Gives the strings of an event the types that its schema names, before the schema judges it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .located import LocatedSchema

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LITERALS = {"true": True, "false": False, "null": None}
_TYPES = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
_REMOVED = object()


@dataclass(slots=True)
class Coercion:
    """What a schema says about the types at one location, and at the locations below it.

    :ivar types: the types that may stand here; ``None`` where the schema names none.
    :ivar properties: what it says about the properties of an object.
    :ivar prefix: what it says about the first items of a list.
    :ivar rest: what it says about the other items, or ``None``.
    """

    types: frozenset[str] | None = None
    properties: dict[str, Coercion] = field(default_factory=dict)
    prefix: list[Coercion] = field(default_factory=list)
    rest: Coercion | None = None

    @property
    def changes_strings(self) -> bool:
        """Whether a string that stands here may become something else."""
        return self.types is not None and "string" not in self.types

    def below(self) -> Iterator[Coercion]:
        """What the schema says about the locations right below this one."""
        yield from self.properties.values()
        yield from self.prefix
        if self.rest is not None:
            yield self.rest

    def coerce(self, value: Any) -> Any:
        """*value* with its strings typed; dicts and lists are changed in place."""
        if type(value) is dict:
            for name, plan in self.properties.items():
                if name in value:
                    child = value[name]
                    typed = plan.coerce(child)
                    if typed is _REMOVED:
                        del value[name]
                    elif typed is not child:
                        value[name] = typed
        elif type(value) is str:
            return _typed(value, self.types or frozenset()) if self.changes_strings else value
        elif type(value) is list:
            plans = [*self.prefix[: len(value)], *[self.rest] * (len(value) - len(self.prefix))]
            typed_items = [plan.coerce(item) if plan else item for plan, item in zip(plans, value, strict=True)]
            value[:] = [item for item in typed_items if item is not _REMOVED]
        return value


def _typed(text: str, types: frozenset[str]) -> Any:
    if not text.strip():
        return _REMOVED
    value = _scalar(text)
    return value if _type_of(value) in types else text


def _scalar(text: str) -> Any:
    """The value of which *text* is the JSON text, or *text* itself.

    A number that no IEEE 754 double can hold stays text: readers of JSON would
    make infinity of it.
    """
    if text in _LITERALS:
        return _LITERALS[text]
    if (number := _NUMBER.fullmatch(text)) and math.isfinite(float(text)):
        return float(text) if number.lastindex else int(text)
    return text


def _type_of(value: Any) -> str:
    if type(value) is float:
        return "integer" if value.is_integer() else "number"
    return _TYPES[type(value)]


def _named_types(schema: dict[str, Any]) -> frozenset[str] | None:
    named = schema.get("type")
    if named is None:
        return None
    types = {named} if isinstance(named, str) else set(named)
    return frozenset(types | {"integer"} if "number" in types else types)


def compile_coercion(root: LocatedSchema) -> Coercion:
    """Work out, once, where coercion goes and what it finds there.

    It follows ``properties``, ``items``, ``prefixItems``, ``allOf`` and
    ``$ref``, and guesses nothing inside ``anyOf``, ``oneOf`` or ``not``.
    """
    known: dict[frozenset[int], Coercion] = {}

    def plan_for(schemas: Iterable[LocatedSchema]) -> Coercion:
        here = _in_place(schemas)
        key = frozenset(id(located.schema) for located in here)
        if key in known:  # a schema may contain itself
            return known[key]
        plan = known[key] = Coercion()
        below: dict[str, list[LocatedSchema]] = {}
        for located in here:
            if (types := _named_types(located.schema)) is not None:
                plan.types = types if plan.types is None else plan.types & types
            for name, schema in located.schema.get("properties", {}).items():
                below.setdefault(name, []).append(located.child(schema))
        plan.properties = {name: plan_for(children) for name, children in below.items()}
        lists = [_items(located) for located in here]
        length = max((len(first) for first, _ in lists), default=0)
        plan.prefix = [
            plan_for(schema for first, rest in lists for schema in (first[at:] or rest)[:1]) for at in range(length)
        ]
        if any(rest for _, rest in lists):
            plan.rest = plan_for(schema for _, rest in lists for schema in rest)
        return plan

    plan = plan_for([root])
    _prune(list(known.values()))
    return plan


def _prune(plans: list[Coercion]) -> None:
    """Leave out the properties below which nothing ever changes: most are strings and stay strings."""
    live = {id(plan) for plan in plans if plan.changes_strings}
    while found := {id(plan) for plan in plans if any(id(child) in live for child in plan.below())} - live:
        live |= found
    for plan in plans:
        plan.properties = {name: child for name, child in plan.properties.items() if id(child) in live}


def _in_place(schemas: Iterable[LocatedSchema]) -> list[LocatedSchema]:
    """*schemas* and all that apply at the same location through ``allOf`` and ``$ref``, each once."""
    here: dict[int, LocatedSchema] = {}
    waiting = list(schemas)
    while waiting:
        located = waiting.pop()
        if isinstance(located.schema, dict) and id(located.schema) not in here:  # true and false are schemas too
            waiting += located.referenced()
            if not located.ref_hides_siblings:
                here[id(located.schema)] = located
                waiting += [located.child(schema) for schema in located.schema.get("allOf", ())]
    return list(here.values())


def _items(located: LocatedSchema) -> tuple[list[LocatedSchema], list[LocatedSchema]]:
    """The schemas of the first items of a list, and that of the others, where there is one."""
    first, rest = located.schema.get("prefixItems", []), located.schema.get("items")
    if isinstance(rest, list):  # as it was up to draft 2019-09
        first, rest = rest, located.schema.get("additionalItems")
    return [located.child(schema) for schema in first], [located.child(rest)] if isinstance(rest, dict) else []
