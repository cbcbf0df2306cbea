"""The keywords that apply other schemas to the same value, choose among them, or judge what they have left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ..values import JSON_TYPES
from .node import Memory, Node, Path, Rule, all_hold
from .switch import Switch


def applied(value: Any, keyword: str, nodes: list[Node]) -> Rule:
    """The rule of ``allOf``, and of a reference."""
    checks = [node.holds for node in nodes]

    def parts(value: Any, memory: Memory) -> Iterator[tuple[Path, Any, Node]]:
        return (((), value, node) for node in nodes)

    switch = Switch.of([condition for node in nodes if (condition := _condition(node))])
    return Rule(
        keyword=keyword,
        value=value,
        holds=_all_of(nodes, switch) if switch else all_hold(checks),
        parts=parts,
        applied=tuple(nodes),
        switch=switch,
        **_evaluated(lambda value, memory: nodes),
    )


def _all_of(nodes: list[Node], switch: Switch) -> Callable[[Any, Memory], bool]:
    """A check for an ``allOf`` with many rules of the form *if the event is called so, then*.

    :param switch: finds which of these rules can hold.
    """
    conditional = [node for node in nodes if _condition(node)]
    checks = [node.holds for node in conditional]
    others = all_hold([node.holds for node in nodes if node not in conditional])

    def holds(value: Any, memory: Memory) -> bool:
        if not others(value, memory):
            return False
        for index in switch.indexes(value):  # noqa: SIM110 - a generator would take twice the time
            if not checks[index](value, memory):
                return False
        return True

    return holds


def _condition(node: Node) -> Node | None:
    """The schema of ``if``, for a schema that consists of it and ``then``."""
    branches = node.rules[0].branches if len(node.rules) == 1 else None
    return branches[0] if branches and branches[2] is None else None


def condition(value: Any, if_: Node, then: Node | None, else_: Node | None) -> Rule:
    """The rule of ``if``, with ``then`` and ``else``."""

    def holds(value: Any, memory: Memory) -> bool:
        node = then if if_.holds(value, memory) else else_
        return node is None or node.holds(value, memory)

    def parts(value: Any, memory: Memory) -> Iterator[tuple[Path, Any, Node]]:
        node = then if if_.holds(value, memory) else else_
        if node:
            yield (), value, node

    def evaluating(value: Any, memory: Memory) -> list[Node]:
        nodes = (if_, then) if if_.holds(value, memory) else (else_,)
        return [node for node in nodes if node]

    return Rule(
        keyword="if", value=value, holds=holds, parts=parts, branches=(if_, then, else_), **_evaluated(evaluating)
    )


def any_of(value: Any, nodes: list[Node]) -> Rule:
    """The rule of ``anyOf``."""
    checks, switch = [node.holds for node in nodes], Switch.of(nodes)

    def holds(value: Any, memory: Memory) -> bool:
        for check in checks:  # noqa: SIM110 - a generator would take twice the time
            if check(value, memory):
                return True
        return False

    return Rule(
        keyword="anyOf",
        value=value,
        holds=partial(switch.any_holds, checks) if switch else holds,
        nodes=tuple(nodes),
        switch=switch,
        **_evaluated(partial(_holding, nodes)),
    )


def one_of(value: Any, nodes: list[Node]) -> Rule:
    """The rule of ``oneOf``."""
    checks, switch = [node.holds for node in nodes], Switch.of(nodes)

    def holds(value: Any, memory: Memory) -> bool:
        found = 0
        for check in checks if switch is None else [checks[index] for index in switch.indexes(value)]:
            if check(value, memory):
                found += 1
                if found > 1:
                    return False
        return found == 1

    def holding(value: Any, memory: Memory) -> list[int]:
        indexes = range(len(checks)) if switch is None else switch.indexes(value)
        return [index for index in indexes if checks[index](value, memory)]

    return Rule(
        keyword="oneOf",
        value=value,
        holds=holds,
        nodes=tuple(nodes),
        switch=switch,
        culprits=holding,
        **_evaluated(partial(_holding, nodes)),
    )


def negation(value: Any, node: Node) -> Rule:
    """The rule of ``not``."""
    return Rule(
        keyword="not",
        value=value,
        holds=lambda value, memory: type(value) in JSON_TYPES and not node.holds(value, memory),
        nodes=(node,),
    )


def _holding(nodes: list[Node], value: Any, memory: Memory) -> list[Node]:
    return [node for node in nodes if node.holds(value, memory)]


def _evaluated(evaluating: Callable[[Any, Memory], list[Node]]) -> dict[str, Any]:
    """What a keyword evaluates by the schemas that *evaluating* returns for a value."""

    def names(value: Any, memory: Memory) -> set[str]:
        return set().union(*(node.names(value, memory) for node in evaluating(value, memory)))

    def indexes(value: Any, memory: Memory) -> set[int]:
        return set().union(*(node.indexes(value, memory) for node in evaluating(value, memory)))

    return {"names": names, "indexes": indexes}
