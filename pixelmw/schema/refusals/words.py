"""Words a fault: one sentence that names the parameter and the rule."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...errors import Rejected
from ...params import join_name
from ...text import name_without_value, shortened
from ..compiled import Memory, Node, Path, Rule
from .choose import faults_of_the_meant
from .find import Fault, find_fault

_MAX_VALUE_CHARS = 64  # of the event's own value; the contract promises no more
_MAX_KEYWORD_CHARS = 200  # of what the schema has for a keyword, which may be a long enum
# These hold who the visitor is, and from where. A fault of one as a whole is no reason to show that.
_PRIVATE = ("context", "traits")

_MUST = {
    "type": "be of type {value}",
    "enum": "be one of {value}",
    "const": "be {value}",
    "minLength": "have at least {value} characters",
    "maxLength": "have at most {value} characters",
    "pattern": "match the pattern {value}",
    "minimum": "be at least {value}",
    "maximum": "be at most {value}",
    "exclusiveMinimum": "be greater than {value}",
    "exclusiveMaximum": "be less than {value}",
    "multipleOf": "be a multiple of {value}",
    "minItems": "have at least {value} items",
    "maxItems": "have at most {value} items",
    "minProperties": "have at least {value} properties",
    "maxProperties": "have at most {value} properties",
}
_SIZES = ("minItems", "maxItems", "minProperties", "maxProperties")


class _Words:
    """The words of a refusal, and the parameter and the rule that they name."""

    def __init__(self, path: Sequence[str | int], rule: str, words: str) -> None:
        self.path, self.rule, self.words = tuple(path), rule, words


def refusal_of(fault: Fault, memory: Memory) -> Rejected:
    """Make the refusal that reports *fault*.

    :param fault: a fault of the event; its path begins at the event itself.
    :param memory: what was found out in this request.
    :returns: ``invalid``, with a message that quotes at most 64 characters of the event.
    """
    worded = _worded(fault, memory)
    name = join_name(worded.path)
    return Rejected(
        "invalid", f"{name_without_value(name) or 'the event'} {worded.words}", path=name or None, rule=worded.rule
    )


def _worded(fault: Fault, memory: Memory) -> _Words:
    rule = fault.rule
    word = _WORDINGS.get(rule.keyword)
    if word and (worded := word(fault, memory)):
        return worded
    return _Words(fault.path, rule.keyword, f"must {_must(rule.worded_as or rule.keyword, rule.value)}{_it_is(fault)}")


def _must(keyword: str, value: Any) -> str:
    return _MUST.get(keyword, "satisfy {keyword}").format(keyword=keyword, value=_quoted(value, _MAX_KEYWORD_CHARS))


def _it_is(fault: Fault) -> str:
    value = fault.value
    if fault.rule.keyword in _SIZES:
        return f"; it has {len(value)}"
    if isinstance(value, dict | list) and (not fault.path or fault.path[0] in _PRIVATE):
        return ""
    return f"; it is {_quoted(value, _MAX_VALUE_CHARS)}"


def _required(fault: Fault, memory: Memory) -> _Words:
    missing = next(name for name in fault.rule.value if name not in fault.value)
    return _Words((*fault.path, missing), "required", "is required")


def _required_beside(fault: Fault, memory: Memory) -> _Words:
    missing, name = _culprits(fault, memory)[0]
    beside = _name((*fault.path, name))
    return _Words((*fault.path, missing), fault.rule.keyword, f"is required where {beside} is given")


def _unknown(fault: Fault, memory: Memory) -> _Words:
    what = "items" if fault.rule.keyword == "unevaluatedItems" else "properties"
    place = (*fault.path, _culprits(fault, memory)[0])
    return _Words(place, fault.rule.keyword, f"is not among the {what} that the schema knows")


def _false(fault: Fault, memory: Memory) -> _Words:
    return _Words(fault.path, "false", "is not allowed")


def _blank(fault: Fault, memory: Memory) -> _Words | None:
    return _Words(fault.path, "pattern", "must not be blank") if fault.rule.value == r"\S" else None


def _unique(fault: Fault, memory: Memory) -> _Words:
    return _Words(fault.path, "uniqueItems", f"must not hold the same item twice{_it_is(fault)}")


def _property_names(fault: Fault, memory: Memory) -> _Words:
    name = _culprits(fault, memory)[0]
    inner = find_fault(fault.rule.nodes[0], name, memory).rule
    words = "be another one" if inner.nodes or inner.parts else _must(inner.worded_as or inner.keyword, inner.value)
    return _Words((*fault.path, name), "propertyNames", f"is no name that the schema allows: it must {words}")


def _contains(fault: Fault, memory: Memory) -> _Words:
    schema = fault.rule.nodes[0]
    counts = {"minContains": "at least", "maxContains": "at most"}
    keyword = fault.rule.keyword
    items = f"{counts[keyword]} {fault.rule.value} items" if keyword in counts else "at least one item"
    rules = [rule for rule in schema.rules if rule.keyword in _MUST]
    such = (
        f"that must {_must(rules[0].keyword, rules[0].value)}"
        if len(schema.rules) == 1 and rules
        else "as contains wants it"
    )
    return _Words(fault.path, keyword, f"must hold {items} {such}{_it_is(fault)}")


def _negation(fault: Fault, memory: Memory) -> _Words:
    return _negated(fault.rule.nodes[0], fault.path, fault.value, memory) or _Words(
        fault.path, "not", f"must not be as the schema's not describes{_it_is(fault)}"
    )


def _negated(node: Node, path: Path, value: Any, memory: Memory) -> _Words | None:
    """What *value* must not be, since it satisfies *node*; ``None`` if that cannot be said in a sentence."""
    rules = [rule for applied in node.applied() for rule in applied.rules]
    for rule in rules:
        if rule.keyword in _MUST and path:
            is_ = f"; it is {_quoted(value, _MAX_VALUE_CHARS)}" if not isinstance(value, dict | list) else ""
            return _Words(path, "not", f"must not {_must(rule.worded_as or rule.keyword, rule.value)}{is_}")
    for rule in rules:
        for name, child in sorted((rule.properties or {}).items()) if type(value) is dict else ():
            if name in value and (worded := _negated(child, (*path, name), value[name], memory)):
                return worded
    for rule in rules:
        if rule.keyword == "required" and type(value) is dict and rule.value:
            first, *others = sorted(rule.value)
            beside = " beside " + " and ".join(_name((*path, name)) for name in others) if others else ""
            return _Words((*path, first), "not", f"is not allowed{beside}")
    for rule in rules:
        for alternative in rule.nodes if rule.keyword in ("anyOf", "oneOf") else ():
            if alternative.holds(value, memory) and (worded := _negated(alternative, path, value, memory)):
                return worded
    return None


def _choice(fault: Fault, memory: Memory) -> _Words | None:
    if holding := _culprits(fault, memory):
        return _too_many(fault, [fault.rule.nodes[index] for index in holding])
    faults = [inner.below(fault.path) for inner in faults_of_the_meant(fault, memory)]
    if not faults:
        return None
    first, keywords = faults[0], {inner.rule.keyword for inner in faults}
    if len(faults) > 1 and all(inner.path == first.path for inner in faults):
        if keywords == {"required"}:
            return _one_is_required(fault, faults)
        united = _united([inner.rule for inner in faults])
        if len(united) > 1 and (keywords == {"type"} or keywords <= {"const", "enum"}):
            must = _must("type" if "type" in keywords else "enum", united)
            return _Words(first.path, fault.rule.keyword, f"must {must}{_it_is(first)}")
    return _worded(first, memory)


def _one_is_required(fault: Fault, faults: list[Fault]) -> _Words:
    path = faults[0].path
    missing = list(dict.fromkeys(name for each in faults for name in each.rule.value if name not in each.value))
    others = "".join(f" or {_name((*path, name))}" for name in missing[1:])
    return _Words((*path, missing[0]), fault.rule.keyword if others else "required", f"{others} is required".lstrip())


def _united(rules: list[Rule]) -> list[Any]:
    """What the ``type`` or the ``const`` and ``enum`` of several alternatives allow together, each once."""
    values: dict[str, Any] = {}
    for rule in rules:
        listed = rule.value if rule.keyword != "const" and isinstance(rule.value, list) else [rule.value]
        values |= {json.dumps(value, sort_keys=True): value for value in listed}
    return list(values.values())


def _too_many(fault: Fault, holding: list[Node]) -> _Words:
    """The words for a ``oneOf`` of which several alternatives hold."""
    required, known = [], []
    for node in holding:
        rules = [rule for applied in node.applied() for rule in applied.rules]
        required.append(next((name for rule in rules if rule.keyword == "required" for name in rule.value), None))
        known += [name for rule in rules for name in rule.properties or ()]
    names = [name for name in dict.fromkeys(required) if name is not None]
    if len(names) > 1:
        others = " and ".join(_name((*fault.path, name)) for name in names[:-1])
        return _Words((*fault.path, names[-1]), "oneOf", f"is not allowed beside {others}")
    present = sorted(name for name in {*known, *names} if type(fault.value) is dict and name in fault.value)
    words = f"must satisfy only one alternative of oneOf; it satisfies {len(holding)}"
    return _Words((*fault.path, *present[:1]), "oneOf", words)


def _culprits(fault: Fault, memory: Memory) -> list[Any]:
    return fault.rule.culprits(fault.value, memory) if fault.rule.culprits else []


def _name(path: Sequence[str | int]) -> str:
    return name_without_value(join_name(path))


def _quoted(value: Any, max_chars: int) -> str:
    """*value* as JSON, cut to *max_chars* characters."""
    if isinstance(value, str):
        return f'"{shortened(value, max_chars)}"'
    return shortened(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str), max_chars)


_WORDINGS = {
    "required": _required,
    "dependentRequired": _required_beside,
    "dependencies": _required_beside,
    "additionalProperties": _unknown,
    "unevaluatedProperties": _unknown,
    "unevaluatedItems": _unknown,
    "false": _false,
    "pattern": _blank,
    "uniqueItems": _unique,
    "propertyNames": _property_names,
    "contains": _contains,
    "minContains": _contains,
    "maxContains": _contains,
    "not": _negation,
    "anyOf": _choice,
    "oneOf": _choice,
}
