"""The keywords that apply schemas to the properties of an object, or to their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..values import JSON_TYPES, plain
from .node import Check, Memory, Node, Path, Rule, always

#: Returns something that is not None if a pattern matches somewhere in a name.
Search = Callable[[str], object]


def properties(value: dict[str, Any], nodes: dict[str, Node]) -> Rule:
    """The rule of ``properties``."""
    holds_for_object = _check_of_object(nodes)

    def holds(value: Any, memory: Memory) -> bool:
        return holds_for_object(value, memory) if type(value) is dict else type(value) in JSON_TYPES

    def parts(value: Any, memory: Memory) -> Iterator[tuple[Path, Any, Node]]:
        for name, child in value.items() if type(value) is dict else ():
            if name in nodes:
                yield (name,), child, nodes[name]

    def names(value: dict[str, Any], memory: Memory) -> set[str]:
        return value.keys() & nodes.keys()

    return Rule(
        keyword="properties",
        value=value,
        holds=holds,
        holds_for_object=holds_for_object,
        parts=parts,
        names=names,
        properties=nodes,
    )


def _check_of_object(nodes: dict[str, Node]) -> Check:
    # What names an event, a const or an enum, is asked first: it tells most.
    telling = {
        name: node.holds
        for name, node in nodes.items()
        if any(rule.keyword in ("const", "enum") for rule in node.rules)
    }
    checks = {name: node.holds for name, node in nodes.items() if name not in telling}

    def holds_for_object(value: Any, memory: Memory) -> bool:
        if type(value) is not dict:
            return False
        for name in telling:
            if name in value and not telling[name](value[name], memory):
                return False
        for name, child in value.items():  # noqa: SIM110 - a generator would take twice the time
            if name in checks and not checks[name](child, memory):
                return False
        return True

    return holds_for_object


def pattern_properties(value: dict[str, Any], nodes: list[tuple[Search, Node]]) -> Rule:
    """The rule of ``patternProperties``."""

    def holds(value: Any, memory: Memory) -> bool:
        if type(value) is not dict:
            return type(value) in JSON_TYPES
        for name, child in value.items():
            for search, node in nodes:
                if search(name) is not None and not node.holds(child, memory):
                    return False
        return True

    def parts(value: Any, memory: Memory) -> Iterator[tuple[Path, Any, Node]]:
        for name, child in value.items() if type(value) is dict else ():
            yield from (((name,), child, node) for search, node in nodes if search(name) is not None)

    def names(value: dict[str, Any], memory: Memory) -> set[str]:
        return {name for name in value for search, _ in nodes if search(name) is not None}

    return Rule(keyword="patternProperties", value=value, holds=holds, parts=parts, names=names)


def additional_properties(value: Any, known: frozenset[str], searches: list[Search], node: Node) -> Rule:
    """The rule of ``additionalProperties``.

    :param known: the names that ``properties`` beside it has.
    :param searches: the patterns of ``patternProperties`` beside it.
    """

    is_additional = _is_additional(known, searches)

    def parts(value: Any, memory: Memory) -> Iterator[tuple[Path, Any, Node]]:
        for name, child in value.items() if type(value) is dict else ():
            if is_additional(name):
                yield (name,), child, node

    def holds(value: Any, memory: Memory) -> bool:
        if type(value) is not dict:
            return type(value) in JSON_TYPES
        if node.is_false and not searches:
            return value.keys() <= known
        for name, child in value.items():  # noqa: SIM110 - a generator would take twice the time
            if is_additional(name) and not node.holds(child, memory):
                return False
        return True

    return Rule(
        keyword="additionalProperties",
        value=value,
        holds=always if node.is_true else holds,
        parts=None if node.is_false else parts,
        culprits=lambda value, memory: sorted(filter(is_additional, value)),
        names=lambda value, memory: set(value),
    )


def _is_additional(known: frozenset[str], searches: list[Search]) -> Callable[[str], bool]:
    if not searches:
        return lambda name: name not in known
    return lambda name: name not in known and all(search(name) is None for search in searches)


def property_names(value: Any, node: Node) -> Rule:
    """The rule of ``propertyNames``."""

    def culprits(value: Any, memory: Memory) -> list[str]:
        return sorted(name for name in value if not node.holds(plain(name), memory))

    def holds(value: Any, memory: Memory) -> bool:
        if type(value) is not dict:
            return type(value) in JSON_TYPES
        return all(node.holds(plain(name), memory) for name in value)

    return Rule(keyword="propertyNames", value=value, holds=holds, nodes=(node,), culprits=culprits)


def dependent_required(value: dict[str, list[str]], keyword: str) -> Rule:
    """The rule of ``dependentRequired``, and of ``dependencies`` that are lists of names."""
    needed = {name: frozenset(names) for name, names in value.items()}

    def holds(value: Any, memory: Memory) -> bool:
        if type(value) is not dict:
            return type(value) in JSON_TYPES
        return all(names <= value.keys() for name, names in needed.items() if name in value)

    def culprits(value: Any, memory: Memory) -> list[tuple[str, str]]:
        """Each name that is missing, and a name that needs it."""
        present = (name for name in needed if name in value)
        return sorted((missing, name) for name in present for missing in needed[name] - value.keys())

    return Rule(keyword=keyword, value=value, holds=holds, culprits=culprits)


def dependent_schemas(value: dict[str, Any], keyword: str, nodes: dict[str, Node]) -> Rule:
    """The rule of ``dependentSchemas``, and of ``dependencies`` that are schemas."""

    def applying(value: Any) -> list[Node]:
        return [node for name, node in nodes.items() if name in value] if type(value) is dict else []

    def holds(value: Any, memory: Memory) -> bool:
        if type(value) is not dict:
            return type(value) in JSON_TYPES
        return all(node.holds(value, memory) for name, node in nodes.items() if name in value)

    def parts(value: Any, memory: Memory) -> Iterator[tuple[Path, Any, Node]]:
        return (((), value, node) for node in applying(value))

    def names(value: dict[str, Any], memory: Memory) -> set[str]:
        return set().union(*(node.names(value, memory) for node in applying(value)))

    return Rule(keyword=keyword, value=value, holds=holds, parts=parts, names=names, nodes=tuple(nodes.values()))
