"""The keywords that judge the properties and items which the keywords beside them have left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..values import JSON_TYPES
from .node import Memory, Node, Path, Rule


def unevaluated_properties(value: Any, beside: list[Rule], node: Node) -> Rule:
    """The rule of ``unevaluatedProperties``.

    :param beside: the other keywords of the schema.
    """
    others = [rule.names for rule in beside if rule.names]

    def left(value: Any, memory: Memory) -> list[str]:
        evaluated = set().union(*(names(value, memory) for names in others))
        return sorted(value.keys() - evaluated)

    def holds(value: Any, memory: Memory) -> bool:
        if type(value) is not dict:
            return type(value) in JSON_TYPES
        return all(node.holds(value[name], memory) for name in left(value, memory))

    def parts(value: Any, memory: Memory) -> Iterator[tuple[Path, Any, Node]]:
        for name in left(value, memory) if type(value) is dict else ():
            yield (name,), value[name], node

    return Rule(
        keyword="unevaluatedProperties",
        value=value,
        holds=holds,
        parts=None if node.is_false else parts,
        culprits=left,
        names=lambda value, memory: set(value),
    )


def unevaluated_items(value: Any, beside: list[Rule], node: Node) -> Rule:
    """The rule of ``unevaluatedItems``.

    :param beside: the other keywords of the schema.
    """
    others = [rule.indexes for rule in beside if rule.indexes]

    def left(value: Any, memory: Memory) -> list[int]:
        evaluated = set().union(*(indexes(value, memory) for indexes in others))
        return [index for index in range(len(value)) if index not in evaluated]

    def holds(value: Any, memory: Memory) -> bool:
        if type(value) is not list:
            return type(value) in JSON_TYPES
        return all(node.holds(value[index], memory) for index in left(value, memory))

    def parts(value: Any, memory: Memory) -> Iterator[tuple[Path, Any, Node]]:
        for index in left(value, memory) if type(value) is list else ():
            yield (index,), value[index], node

    return Rule(
        keyword="unevaluatedItems",
        value=value,
        holds=holds,
        parts=None if node.is_false else parts,
        culprits=left,
        indexes=lambda value, memory: set(range(len(value))),
    )
