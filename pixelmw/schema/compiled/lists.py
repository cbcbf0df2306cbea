"""The keywords that apply schemas to the items of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..values import JSON_TYPES
from .node import Memory, Node, Path, Rule


def first_items(value: list[Any], keyword: str, nodes: list[Node]) -> Rule:
    """The rule of ``prefixItems``, and of ``items`` that is an array of schemas."""

    def holds(value: Any, memory: Memory) -> bool:
        if type(value) is not list:
            return type(value) in JSON_TYPES
        return all(node.holds(item, memory) for node, item in zip(nodes, value, strict=False))

    def parts(value: Any, memory: Memory) -> Iterator[tuple[Path, Any, Node]]:
        for index, (node, item) in enumerate(zip(nodes, value, strict=False)) if type(value) is list else ():
            yield (index,), item, node

    def indexes(value: list[Any], memory: Memory) -> set[int]:
        return set(range(min(len(nodes), len(value))))

    return Rule(keyword=keyword, value=value, holds=holds, parts=parts, indexes=indexes)


def other_items(value: Any, keyword: str, skipped: int, node: Node) -> Rule:
    """The rule of ``items``, and of ``additionalItems``: of all items but the first *skipped* ones."""

    def holds(value: Any, memory: Memory) -> bool:
        if type(value) is not list:
            return type(value) in JSON_TYPES
        for item in value[skipped:]:  # noqa: SIM110 - a generator would take twice the time
            if not node.holds(item, memory):
                return False
        return True

    def parts(value: Any, memory: Memory) -> Iterator[tuple[Path, Any, Node]]:
        for index, item in enumerate(value[skipped:], skipped) if type(value) is list else ():
            yield (index,), item, node

    return Rule(
        keyword=keyword,
        value=value,
        holds=holds,
        parts=None if node.is_false else parts,
        indexes=lambda value, memory: set(range(len(value))),
    )


def contains(value: Any, node: Node, least: float, most: float | None) -> Iterator[Rule]:
    """The rules of ``contains``, ``minContains`` and ``maxContains``."""

    def matching(value: list[Any], memory: Memory) -> list[int]:
        return [index for index, item in enumerate(value) if node.holds(item, memory)]

    def rule(keyword: str, value: Any, holds: Callable[[int], bool]) -> Rule:
        return Rule(
            keyword=keyword,
            value=value,
            holds=lambda value, memory: (
                holds(len(matching(value, memory))) if type(value) is list else type(value) in JSON_TYPES
            ),
            nodes=(node,),
            indexes=lambda value, memory: set(matching(value, memory)),
        )

    yield rule("contains", value, lambda found: found >= min(least, 1))
    if least > 1:
        yield rule("minContains", least, lambda found: found >= least)
    if most is not None:
        yield rule("maxContains", most, lambda found: found <= most)
