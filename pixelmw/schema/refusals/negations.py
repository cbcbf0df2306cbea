"""Words a value that satisfies the schema of ``not``: says which parameter must not be so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..compiled import Memory, Node, Path, Rule
from ..values import JSON_TYPES
from .find import Fault
from .phrases import MUST, Worded, it_is, must_satisfy, name_of

# Many keywords hold for a value of any other type than these. Then they say nothing about it.
_ABOUT: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("minLength", "maxLength", "pattern"), (str,)),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), (int, float)),
    **dict.fromkeys(("minItems", "maxItems"), (list,)),
    **dict.fromkeys(("minProperties", "maxProperties"), (dict,)),
}


def negated(fault: Fault, memory: Memory) -> Worded:
    """The words for *fault*, which is one of ``not``."""
    return _negated(fault.rule.nodes[0], fault.path, fault.value, memory) or Worded(
        fault.path, "not", f"must not be as the schema's not describes{it_is(fault)}"
    )


def _negated(node: Node, path: Path, value: Any, memory: Memory) -> Worded | None:
    """What *value* must not be, since it satisfies *node*; ``None`` if a sentence cannot say that."""
    rules = [rule for applied in node.applied() for rule in applied.rules]
    for find in (_own, _of_properties, _required, _of_alternatives):
        for worded in find(rules, path, value, memory):
            return worded
    return None


_Find = Callable[[list[Rule], Path, Any, Memory], Iterator[Worded]]


def _own(rules: list[Rule], path: Path, value: Any, memory: Memory) -> Iterator[Worded]:
    for rule in rules:
        if rule.keyword in MUST and path and type(value) in _ABOUT.get(rule.keyword, JSON_TYPES):
            yield Worded(path, "not", f"must not {must_satisfy(rule)}{it_is(Fault(path, value, rule))}")


def _of_properties(rules: list[Rule], path: Path, value: Any, memory: Memory) -> Iterator[Worded]:
    named = [named for rule in rules for named in sorted((rule.properties or {}).items())]
    for name, child in named if type(value) is dict else ():
        if name in value and (worded := _negated(child, (*path, name), value[name], memory)):
            yield worded


def _required(rules: list[Rule], path: Path, value: Any, memory: Memory) -> Iterator[Worded]:
    for rule in rules:
        if rule.keyword == "required" and type(value) is dict and rule.value:
            first, *others = sorted(rule.value)
            beside = " beside " + " and ".join(name_of((*path, name)) for name in others) if others else ""
            yield Worded((*path, first), "not", f"is not allowed{beside}")


def _of_alternatives(rules: list[Rule], path: Path, value: Any, memory: Memory) -> Iterator[Worded]:
    for rule in rules:
        for node in rule.nodes if rule.keyword in ("anyOf", "oneOf") else ():
            if node.holds(value, memory) and (worded := _negated(node, path, value, memory)):
                yield worded
