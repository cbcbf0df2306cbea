"""Words a fault: one sentence that names the parameter and the rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import Rejected
from ...params import join_name
from ...text import quoted
from ..compiled import Memory, Path, too_long_for
from ..patterns import Pattern
from .choose import look_into
from .find import Fault, find_fault
from .negations import negated
from .phrases import MUST, Worded, it_is, must_satisfy, name_of


def refusal_of(fault: Fault, memory: Memory) -> Rejected:
    """Make the refusal that reports *fault*.

    :param fault: a fault of the event; its path begins at the event itself.
    :param memory: what was found out in this request.
    :returns: ``invalid``, with a message that quotes at most 64 characters of the event.
    """
    found: Fault | Worded = fault
    while isinstance(found, Fault):
        choice = found.rule.keyword in ("anyOf", "oneOf")
        found = look_into(found, memory) if choice else _WORDINGS.get(found.rule.keyword, _plain)(found, memory)
    return _invalid(found)


def refusal_of_length(texts: list[tuple[Path, str, Pattern]]) -> Rejected:
    """Make the refusal of an event that can only be judged by a search in one of *texts*, which are too long for it."""
    path, text, pattern = min(texts, key=lambda found: [str(segment) for segment in found[0]])
    return _invalid(_too_long(path, text, pattern))


def _invalid(found: Worded) -> Rejected:
    subject = name_of(found.path) or "the event"
    return Rejected("invalid", f"{subject} {found.words}", path=join_name(found.path) or None, rule=found.rule)


def _too_long(path: Path, text: str, pattern: Pattern) -> Worded:
    words = (
        f"has {len(text)} characters; the pattern {quoted(pattern.text, 200)} searches at most {pattern.max_characters}"
    )
    return Worded(path, "pattern", f"is too long: it {words}")


def _plain(fault: Fault, memory: Memory) -> Worded:
    return Worded(fault.path, fault.rule.keyword, f"must {must_satisfy(fault.rule)}{it_is(fault)}")


def _required(fault: Fault, memory: Memory) -> Worded:
    missing = next(name for name in fault.rule.value if name not in fault.value)
    return Worded((*fault.path, missing), "required", "is required")


def _required_beside(fault: Fault, memory: Memory) -> Worded:
    missing, name = _culprits(fault, memory)[0]
    words = f"is required where {name_of((*fault.path, name))} is given"
    return Worded((*fault.path, missing), fault.rule.keyword, words)


def _unknown(fault: Fault, memory: Memory) -> Worded:
    what = "items" if fault.rule.keyword == "unevaluatedItems" else "properties"
    place = (*fault.path, _culprits(fault, memory)[0])
    return Worded(place, fault.rule.keyword, f"is not among the {what} that the schema knows")


def _false(fault: Fault, memory: Memory) -> Worded:
    return Worded(fault.path, "false", "is not allowed")


def _pattern(fault: Fault, memory: Memory) -> Worded:
    if fault.rule.value == r"\S":
        return Worded(fault.path, "pattern", "must not be blank")
    if pattern := too_long_for(fault.value, memory):
        return _too_long(fault.path, fault.value, pattern)
    return _plain(fault, memory)


def _unique(fault: Fault, memory: Memory) -> Worded:
    return Worded(fault.path, "uniqueItems", f"must not hold the same item twice{it_is(fault)}")


def _property_names(fault: Fault, memory: Memory) -> Worded:
    name = _culprits(fault, memory)[0]
    inner = find_fault(fault.rule.nodes[0], name, memory).rule
    because = f": it must {must_satisfy(inner)}" if inner.keyword in MUST else ""
    return Worded((*fault.path, name), "propertyNames", f"has a name that the schema does not allow{because}")


def _contains(fault: Fault, memory: Memory) -> Worded:
    how_many = {"minContains": "at least", "maxContains": "at most"}.get(fault.rule.keyword)
    items = f"{how_many} {fault.rule.value} items" if how_many else "at least one item"
    rules = fault.rule.nodes[0].rules
    such = f"that must {must_satisfy(rules[0])}" if len(rules) == 1 and rules[0].keyword in MUST else "as contains says"
    return Worded(fault.path, fault.rule.keyword, f"must hold {items} {such}{it_is(fault)}")


def _culprits(fault: Fault, memory: Memory) -> list[Any]:
    return fault.rule.culprits(fault.value, memory) if fault.rule.culprits else []


_WORDINGS: dict[str, Callable[[Fault, Memory], Worded]] = {
    "required": _required,
    "dependentRequired": _required_beside,
    "dependencies": _required_beside,
    "additionalProperties": _unknown,
    "unevaluatedProperties": _unknown,
    "unevaluatedItems": _unknown,
    "false": _false,
    "pattern": _pattern,
    "uniqueItems": _unique,
    "propertyNames": _property_names,
    "contains": _contains,
    "minContains": _contains,
    "maxContains": _contains,
    "not": negated,
}
