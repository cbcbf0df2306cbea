"""Finds, of the alternatives of a choice that none satisfies, the one that was meant."""

from __future__ import annotations

from typing import Any

from ..compiled import Memory, Node, Rule
from .find import Fault, find_fault

# So many alternatives of one choice are looked into. A refusal that names more of them would help nobody, and would be
# dear where a schema has hundreds.
_MAX_LOOKED_INTO = 16


def faults_of_the_meant(fault: Fault, memory: Memory) -> list[Fault]:
    """A fault of the alternative that was meant, in the choice that *fault* reports.

    The alternative that was meant is the one whose ``const`` and ``enum`` fit
    the value, else the one that the value got furthest in.

    :returns: several, one of each alternative, if no alternative stands out.
        Their paths begin at the place of the choice.
    """
    rule = fault.rule
    if rule.switch and not (fitting := rule.switch.indexes(fault.value)):
        return _faults_at(rule, rule.switch.path, fault.value)
    nodes = [rule.nodes[index] for index in fitting] if rule.switch else rule.nodes
    alternatives = [
        (node, node.own_coercion(fault.value, memory) if node.own_coercion else fault.value)
        for node in nodes
        if not node.is_false
    ]
    fits = [_fit(node, value) for node, value in alternatives]
    best = [alternative for fit, alternative in zip(fits, alternatives, strict=True) if fit == max(fits)]
    found = [(node, value, find_fault(node, value, memory)) for node, value in best[:_MAX_LOOKED_INTO]]
    distances = [_distance(*each) for each in found]
    return [inner for distance, (_, _, inner) in zip(distances, found, strict=True) if distance == max(distances)]


def _faults_at(rule: Rule, path: tuple[str, ...], value: Any) -> list[Fault]:
    """The faults of the alternatives of *rule*, each of which allows other texts at *path* than *value* has there."""
    fixed = [each for node in rule.nodes for each in node.fixed_values if each.path == path]
    return [Fault(path, part, each.rule) for each in fixed for part in each.find(value)]


def _fit(node: Node, value: Any) -> tuple[int, int, int]:
    """How well *value* fits each ``const`` and ``enum`` of *node*; the greatest fits best."""
    names_another = fitting = misfitting = 0
    for fixed in node.fixed_values:
        for part in fixed.find(value):
            if fixed.rule.holds(part, {}):
                fitting += 1
            elif fixed.rule.keyword == "const" or len(fixed.rule.value) == 1:
                names_another += 1
            else:
                misfitting += 1
    return -names_another, fitting, -misfitting


def _distance(node: Node, value: Any, fault: Fault) -> tuple[int, int]:
    """How far *value* got in *node*, of which *fault* is the fault that tells most; the greatest got furthest."""
    if not fault.path and fault.rule.keyword == "type":
        return 0, 0
    if not fault.path and fault.rule.keyword in ("const", "enum"):
        return 1, 0
    named = node.named_properties if type(value) is dict else frozenset()
    return 2 + len(fault.path), len(named & value.keys()) if named else 0
