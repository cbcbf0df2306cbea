"""Finds all faults of an event, for somebody who looks at one request; a server reports the one that tells most."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...errors import Rejected
from ..compiled import Memory, Node, Path
from ..compiled.node import Culprits
from .find import Fault, faults_by_place
from .words import refusal_of

# Of these, a refusal tells the first name that breaks it.
_ABOUT_NAMES = (
    *("additionalProperties", "unevaluatedProperties", "unevaluatedItems"),
    *("dependentRequired", "dependencies", "propertyNames"),
)


def refusals_of(node: Node, value: Any, memory: Memory, path: Path = ()) -> list[Rejected]:
    """A refusal for each fault of *value*, the faults nearest to the value itself first.

    :param value: an event, or a part of one, that does not satisfy *node*.
    :param memory: what was found out about it.
    :param path: the names that lead to the value in its event.
    """
    faults = [fault for place in faults_by_place(node, value, memory) for fault in place]
    found = (refusal_of(each.below(path), memory) for fault in faults for each in _one_by_one(fault, memory))
    return list({(refusal.path, refusal.rule): refusal for refusal in found}.values())


def _one_by_one(fault: Fault, memory: Memory) -> list[Fault]:
    """*fault*, or one for each name that a keyword misses or does not allow."""
    rule = fault.rule
    if rule.keyword == "required":
        missing = [name for name in rule.value if name not in fault.value]
        return [replace(fault, rule=replace(rule, value=[name])) for name in missing]
    if rule.keyword in _ABOUT_NAMES and rule.culprits:
        culprits = rule.culprits(fault.value, memory)
        return [replace(fault, rule=replace(rule, culprits=_only(culprit))) for culprit in culprits] or [fault]
    return [fault]


def _only(culprit: Any) -> Culprits:
    return lambda value, memory: [culprit]
