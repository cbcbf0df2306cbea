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

    @property
    def order(self) -> tuple[int, list[str], str]:
        """A sort key: the fault that sorts first is reported."""
        return len(self.path), [str(segment) for segment in self.path], self.rule.keyword


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
    level: dict[Path, tuple[Any, list[Node]]] = {(): (value, [node])}
    while level:
        below: dict[Path, tuple[Any, list[Node]]] = {}
        for path in sorted(level, key=lambda path: [str(segment) for segment in path]):
            inner, nodes = level[path]
            faults = []
            for rule in _broken_rules(nodes, inner, memory):
                parts = list(_broken_parts(rule, inner, memory))
                for segments, part, child in parts:
                    below.setdefault((*path, *segments), (part, []))[1].append(child)
                if not parts:
                    faults.append(Fault(path, inner, rule))
            plain = [fault for fault in faults if fault.rule.keyword not in CHOICES]
            if plain:
                return min(plain, key=lambda fault: fault.order)
            choices += faults
        level = below
    return min(choices, key=lambda fault: fault.order)


def _broken_rules(nodes: list[Node], value: Any, memory: Memory) -> Iterator[Rule]:
    """The rules that *value* breaks, also of schemas that *nodes* apply to the same value; these stand in for them."""
    seen: set[Node] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        for rule in node.rules:
            if not rule.holds(value, memory):
                same = [part for part in rule.parts(value, memory) if not part[0]] if rule.parts else []
                failing = [child for _, _, child in same if not child.holds(value, memory)]
                waiting += failing
                if not failing:
                    yield rule


def _broken_parts(rule: Rule, value: Any, memory: Memory) -> Iterator[tuple[Path, Any, Node]]:
    for segments, part, node in rule.parts(value, memory) if rule.parts else ():
        if segments and not node.holds(part, memory):
            yield segments, part, node
