"""Looks into a choice that no alternative satisfies, or too many do: finds the alternative that was meant."""

from __future__ import annotations

import json
from typing import Any

from ..compiled import Memory, Node, Rule
from .find import Fault, find_fault
from .phrases import Worded, it_is, must, name_of

# So many alternatives of one choice are looked into. A refusal that names more of them would help nobody, and would be
# dear where a schema has hundreds.
_MAX_LOOKED_INTO = 16


def look_into(fault: Fault, memory: Memory) -> Fault | Worded:
    """Find out more about *fault*, which is one of ``anyOf`` or ``oneOf``.

    :returns: the fault of the alternative that was meant, which may be a
        choice again; or words, if no alternative stands out.
    """
    rule = fault.rule
    holding = rule.culprits(fault.value, memory) if rule.culprits else []
    if holding:
        return _too_many(fault, [rule.nodes[index] for index in holding])
    faults = [inner.below(fault.path) for inner in _faults_of_the_meant(fault, memory)]
    if not faults:  # all alternatives are false
        return Worded(fault.path, rule.keyword, "is not allowed")
    keywords = {inner.rule.keyword for inner in faults}
    if len(faults) > 1 and all(inner.path == faults[0].path for inner in faults):
        if keywords == {"required"}:
            return _one_is_required(rule.keyword, faults)
        united = _united([inner.rule for inner in faults])
        if len(united) > 1 and (keywords == {"type"} or keywords <= {"const", "enum"}):
            words = must("type" if "type" in keywords else "enum", united)
            return Worded(faults[0].path, rule.keyword, f"must {words}{it_is(faults[0])}")
    return faults[0]


def _faults_of_the_meant(fault: Fault, memory: Memory) -> list[Fault]:
    """A fault of the alternative that was meant; several, one of each, if no alternative stands out.

    The alternative that was meant is the one whose ``const`` and ``enum`` fit
    the value, else the one that the value got furthest in.
    """
    rule = fault.rule
    fitting = rule.switch.indexes(fault.value) if rule.switch else ()
    if rule.switch and not fitting and (faults := _faults_at(rule, rule.switch.path, fault.value)):
        return faults
    nodes = [rule.nodes[index] for index in fitting] or _alternatives(rule, fault.value, memory)
    alternatives = [(node, _own(node, fault.value, memory)) for node in nodes if not node.is_false]
    fits = [_fit(node, value) for node, value in alternatives]
    best = [alternative for fit, alternative in zip(fits, alternatives, strict=True) if fit == max(fits)]
    if naming := _faults_of_the_name(best):
        return naming
    found = [(node, value, find_fault(node, value, memory)) for node, value in best[:_MAX_LOOKED_INTO]]
    distances = [_distance(*each) for each in found]
    return [inner for distance, (_, _, inner) in zip(distances, found, strict=True) if distance == max(distances)]


def _own(node: Node, value: Any, memory: Memory) -> Any:
    """*value*, as an alternative coerces it."""
    return node.own_coercion(value, memory) if node.own_coercion else value


def _alternatives(rule: Rule, value: Any, memory: Memory) -> list[Node]:
    """The alternatives of a choice; in place of one that only chooses, and finds none, its own alternatives."""
    found: dict[Node, None] = {}
    waiting = list(reversed(rule.nodes))
    while waiting:
        node = waiting.pop()
        inner = node.rules[0].nodes if len(node.rules) == 1 and node.rules[0].keyword in ("anyOf", "oneOf") else ()
        if inner and not any(each.holds(_own(each, value, memory), memory) for each in inner):
            waiting += [each for each in reversed(inner) if each not in found]
        else:
            found[node] = None
    return list(found)


def _faults_at(rule: Rule, path: tuple[str, ...], value: Any) -> list[Fault]:
    """The faults of the alternatives of *rule*, each of which allows other texts at *path* than *value* has there."""
    fixed = [each for node in rule.nodes for each in node.fixed_values if each.path == path]
    return [Fault(path, part, each.rule) for each in fixed for part in each.find(value)]


def _faults_of_the_name(alternatives: list[tuple[Node, Any]]) -> list[Fault]:
    """The faults at the place that names the alternative, if each of *alternatives* has another name than the value."""
    misnamed = [
        {
            fixed.path: Fault(fixed.path, part, fixed.rule)
            for fixed in node.fixed_values
            for part in fixed.find(value)
            if fixed.is_name and not fixed.rule.holds(part, {})
        }
        for node, value in alternatives
    ]
    common = set.intersection(*map(set, misnamed)) if misnamed else set()
    if not common:
        return []
    path = min(common, key=lambda path: (len(path), path))
    return [each[path] for each in misnamed]


def _fit(node: Node, value: Any) -> tuple[bool, int, int, int]:
    """How well *value* fits the type, and each ``const`` and ``enum``, of *node*; the greatest fits best."""
    rules = [rule for applied in node.applied() for rule in applied.rules]
    of_type = all(rule.holds(value, {}) for rule in rules if rule.keyword == "type")
    names_another = fitting = misfitting = 0
    for fixed in node.fixed_values:
        for part in fixed.find(value):
            if not fixed.path:  # this is about the value itself, which names nothing then
                continue
            if fixed.rule.holds(part, {}):
                fitting += 1
            elif fixed.is_name:
                names_another += 1
            else:
                misfitting += 1
    return of_type, -names_another, fitting, -misfitting


def _distance(node: Node, value: Any, fault: Fault) -> tuple[int, int]:
    """How far *value* got in *node*, of which *fault* is the fault that tells most; the greatest got furthest."""
    if not fault.path and fault.rule.keyword == "type":
        return 0, 0
    if not fault.path and fault.rule.keyword in ("const", "enum"):
        return 1, 0
    named = node.named_properties if type(value) is dict else frozenset()
    return 2 + len(fault.path), len(named & value.keys()) if named else 0


def _one_is_required(keyword: str, faults: list[Fault]) -> Worded:
    path = faults[0].path
    missing = [next(name for name in each.rule.value if name not in each.value) for each in faults]
    first, *others = dict.fromkeys(missing)
    words = "".join(f" or {name_of((*path, name))}" for name in others)
    return Worded((*path, first), keyword if others else "required", f"{words} is required".lstrip())


def _united(rules: list[Rule]) -> list[Any]:
    """What the ``type`` or the ``const`` and ``enum`` of several alternatives allow together, each once."""
    values: dict[str, Any] = {}
    for rule in rules:
        listed = rule.value if rule.keyword != "const" and isinstance(rule.value, list) else [rule.value]
        values |= {json.dumps(value, sort_keys=True): value for value in listed}
    return list(values.values())


def _too_many(fault: Fault, holding: list[Node]) -> Worded:
    """The words for a ``oneOf`` of which several alternatives hold; they name what these alternatives are about."""
    names = [name for node in holding for name in sorted(node.required_names)[:1]]
    path, others = fault.path, list(dict.fromkeys(names))[:-1]
    if others:
        beside = " and ".join(name_of((*path, name)) for name in others)
        return Worded((*path, names[-1]), "oneOf", f"is not allowed beside {beside}")
    known = frozenset().union(*(node.named_properties for node in holding))
    present = sorted(known & fault.value.keys()) if type(fault.value) is dict else []
    words = f"must satisfy only one alternative of oneOf; it satisfies {len(holding)}"
    return Worded((*path, *present[:1]), "oneOf", words)
