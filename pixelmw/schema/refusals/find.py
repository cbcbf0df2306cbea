"""Finds the fault of a value that is reported, without making all of its faults.

1. A fault that names one keyword and one place tells more than a choice of which no alternative holds. So a choice is
   looked into only where there is no other fault.
2. Of faults, the one nearest to the event itself comes first, then the one whose path sorts first, then the one whose
   keyword does. So the order of the query's parameters never matters.
3. The value is searched level by level, and only where a check fails: no more is judged than lies on the way.
4. Of a choice, the alternative that was meant is looked into, and no other, see :mod:`.choose`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..compiled import Memory, Node, Path, Rule
from ..values import JSON_TYPES

# These only say that a schema inside them failed, or that one held which should not.
CHOICES = ("anyOf", "oneOf", "not", "unevaluatedItems", "unevaluatedProperties")


@dataclass(frozen=True, slots=True)
class Fault:
    """One value that breaks one rule.

    :ivar path: the names and indexes that lead to the value.
    :ivar value: the value.
    :ivar rule: the rule that it breaks.
    """

    path: Path
    value: Any
    rule: Rule

    def below(self, path: Path) -> Fault:
        """The same fault, seen from further up."""
        return replace(self, path=(*path, *self.path))


def find_fault(node: Node, value: Any, memory: Memory) -> Fault:
    """The fault that tells most about *value*, which does not satisfy *node*.

    :returns: a fault of a keyword that is no choice, if there is one, else of the first choice.
    """
    key = (("fault", node), id(value))
    if key not in memory:
        memory[key] = (value, _find(node, value, memory))
    fault: Fault = memory[key][1]
    return fault


def _find(node: Node, value: Any, memory: Memory) -> Fault:
    choices: list[Fault] = []
    for faults in faults_by_place(node, value, memory):
        if plain := [fault for fault in faults if fault.rule.keyword not in CHOICES]:
            return min(plain, key=lambda fault: fault.rule.keyword)
        choices += faults
    return min(choices, key=lambda fault: (len(fault.path), _as_texts(fault.path), fault.rule.keyword))


def faults_by_place(node: Node, value: Any, memory: Memory) -> Iterator[list[Fault]]:
    """The faults of *value*, which does not satisfy *node*: those of itself, then those of each part, level by level.

    A choice of which no alternative holds is one fault; those of its alternatives are not among them.
    """
    level: dict[Path, tuple[Any, list[Node]]] = {(): (value, [node])}
    while level:
        below: dict[Path, tuple[Any, list[Node]]] = {}
        for path in sorted(level, key=_as_texts) if len(level) > 1 else level:
            yield _faults_here(path, *level[path], below, memory)
        level = below


def _faults_here(
    path: Path, value: Any, nodes: list[Node], below: dict[Path, tuple[Any, list[Node]]], memory: Memory
) -> list[Fault]:
    """The faults of *value* itself, which none of *nodes* accepts.

    :param below: gets the parts of the value that are at fault, and the nodes that accept none of them.
    """
    faults = []
    seen: set[Node] = set()
    waiting = list(nodes)
    for node in waiting:  # it grows
        if node in seen:
            continue
        seen.add(node)
        for rule in node.rules:
            if rule.applied and type(value) in JSON_TYPES:
                waiting += rule.applied  # what is at fault in them is found in them
                continue
            broken = False
            for segments, part, child in rule.parts(value, memory) if rule.parts else ():
                if not child.holds(part, memory):
                    broken = True
                    if segments:
                        below.setdefault(path + segments, (part, []))[1].append(child)
                    else:
                        waiting.append(child)
            # A rule that applies schemas to parts is broken only by these, or by a value that is no JSON.
            if not broken and (rule.parts is None or type(value) not in JSON_TYPES) and not rule.holds(value, memory):
                faults.append(Fault(path, value, rule))
    return faults


def _as_texts(path: Path) -> list[str]:
    return [str(segment) for segment in path]
