"""Finds, of the alternatives of a choice that none satisfies, the one that was meant."""

from __future__ import annotations

from typing import Any

from ..compiled import Memory, Node, fixed_values
from .find import Fault, find_fault


def faults_of_the_meant(fault: Fault, memory: Memory) -> list[Fault]:
    """A fault of the alternative that was meant, in the choice that *fault* reports.

    The alternative that was meant is the one whose ``const`` and ``enum`` fit
    the value, else the one that the value got furthest in.

    :returns: several, one of each alternative, if no alternative stands out.
        Their paths begin at the place of the choice.
    """
    alternatives = [
        (node, node.own_coercion(fault.value, memory) if node.own_coercion else fault.value)
        for node in fault.rule.nodes
        if not node.is_false
    ]
    fits = [_fit(node, value) for node, value in alternatives]
    found = [
        (_distance(node, value, inner := find_fault(node, value, memory)), inner)
        for fit, (node, value) in zip(fits, alternatives, strict=True)
        if fit == max(fits)
    ]
    furthest = max((distance for distance, _ in found), default=None)
    return [inner for distance, inner in found if distance == furthest]


def _fit(node: Node, value: Any) -> tuple[int, int, int]:
    """How well *value* fits each ``const`` and ``enum`` of *node*; the greatest fits best."""
    names_another = fitting = misfitting = 0
    for path, rule in fixed_values(node):
        part, present = value, True
        for name in path:
            present = type(part) is dict and name in part
            if not present:
                break
            part = part[name]
        if present and rule.holds(part, {}):
            fitting += 1
        elif present and (rule.keyword == "const" or len(rule.value) == 1):
            names_another += 1
        elif present:
            misfitting += 1
    return -names_another, fitting, -misfitting


def _distance(node: Node, value: Any, fault: Fault) -> tuple[int, int]:
    """How far *value* got in *node*, of which *fault* is the fault that tells most; the greatest got furthest."""
    if not fault.path and fault.rule.keyword == "type":
        return 0, 0
    if not fault.path and fault.rule.keyword in ("const", "enum"):
        return 1, 0
    named: set[str] = set()
    for rule in (rule for applied in node.applied() for rule in applied.rules):
        named.update(rule.properties or (), rule.value if rule.keyword == "required" else ())
    return 2 + len(fault.path), len(named & value.keys()) if type(value) is dict else 0
