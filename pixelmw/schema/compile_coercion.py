"""Works out once, from a schema, what coercion has to do at each place of an event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .coerce import Coercion
from .located import LocatedSchema


def compile_coercion(root: LocatedSchema) -> Coercion:
    """Make the coercion of a schema.

    It follows ``properties``, ``items``, ``prefixItems``, ``allOf`` and
    ``$ref``, which always apply. It ignores ``anyOf``, ``oneOf`` and ``not``:
    which of their schemas applies depends on the value.

    :param root: a schema that :func:`pixelmw.schema.load.load_schema` has checked.
    """
    known: dict[frozenset[int], Coercion] = {}

    def coercion_of(schemas: Iterable[LocatedSchema]) -> Coercion:
        applying = _always_applying(schemas)
        key = frozenset(id(located.schema) for located in applying)
        if key in known:  # a schema may contain itself
            return known[key]
        coercion = known[key] = Coercion()
        properties: dict[str, list[LocatedSchema]] = {}
        for located in applying:
            if (types := _named_types(located.schema)) is not None:
                coercion.types = types if coercion.types is None else coercion.types & types
            for name, schema in located.schema.get("properties", {}).items():
                properties.setdefault(name, []).append(located.child(schema))
        coercion.properties = {name: coercion_of(children) for name, children in properties.items()}
        lists = [_item_schemas(located) for located in applying]
        length = max((len(firsts) for firsts, _ in lists), default=0)
        coercion.first_items = [
            coercion_of(schema for firsts, others in lists for schema in (firsts[index:] or others)[:1])
            for index in range(length)
        ]
        if any(others for _, others in lists):
            coercion.other_items = coercion_of(schema for _, others in lists for schema in others)
        return coercion

    coercion = coercion_of([root])
    _drop_unchanging(list(known.values()))
    return coercion


def _drop_unchanging(coercions: list[Coercion]) -> None:
    """Drop the properties at and below which nothing can change; most properties are strings and stay strings."""
    changing = {id(coercion) for coercion in coercions if coercion.changes_strings}
    while (
        parents := {
            id(coercion) for coercion in coercions if any(id(child) in changing for child in coercion.children())
        }
        - changing
    ):
        changing |= parents
    for coercion in coercions:
        coercion.properties = {name: child for name, child in coercion.properties.items() if id(child) in changing}


def _always_applying(schemas: Iterable[LocatedSchema]) -> list[LocatedSchema]:
    """*schemas*, and those that ``allOf`` and ``$ref`` in them apply to the same value, each once."""
    applying: dict[int, LocatedSchema] = {}
    waiting = list(schemas)
    while waiting:
        located = waiting.pop()
        # True and False are schemas too, and name no types.
        if isinstance(located.schema, dict) and id(located.schema) not in applying:
            waiting += located.referenced()
            if not located.ref_hides_siblings:
                applying[id(located.schema)] = located
                waiting += [located.child(schema) for schema in located.schema.get("allOf", ())]
    return list(applying.values())


def _named_types(schema: dict[str, Any]) -> frozenset[str] | None:
    """The types that *schema* allows by name; ``None`` if it names none."""
    named = schema.get("type")
    if named is None:
        return None
    types = {named} if isinstance(named, str) else set(named)
    return frozenset(types | {"integer"} if "number" in types else types)


def _item_schemas(located: LocatedSchema) -> tuple[list[LocatedSchema], list[LocatedSchema]]:
    """The schemas of the first items of a list, and the schema of all other items in a list of one or none."""
    firsts, others = located.schema.get("prefixItems", []), located.schema.get("items")
    if isinstance(others, list):  # up to draft 2019-09, items held the first ones
        firsts, others = others, located.schema.get("additionalItems")
    return [located.child(schema) for schema in firsts], [located.child(others)] if isinstance(others, dict) else []
