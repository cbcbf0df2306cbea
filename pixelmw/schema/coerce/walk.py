"""Coerces and judges an event in one walk: each value is looked at once, and most texts of a visitor's not at all.

1. A walk gives what :meth:`~pixelmw.schema.coerce.place.Coercion.coerce` gives, if the outcome is valid. Else it gives
   ``FAULT``, at the first fault that it meets. Which fault a refusal tells is found elsewhere.
2. What is not known for all values of one kind when the schema is compiled is asked about the value once it is coerced:
   first its children, then its own rules.
3. Where a choice, a condition or a dependency may change a value, the value is coerced first, with all that is in it.
   Then the rules judge all of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..compiled import Check, Memory, Rule, all_hold
from .place import Coercion

#: The outcome for a value that is not valid.
FAULT: Any = object()
#: The outcome for a text that says nothing, where no text may stand: its object or list leaves it out.
REMOVED: Any = object()

# The keywords about values of one type only; all others of that type satisfy them. "required" is asked in one loop.
_ABOUT = {
    str: {"minLength", "maxLength", "pattern"},
    dict: {
        *("required", "minProperties", "maxProperties", "properties", "patternProperties", "additionalProperties"),
        *("propertyNames", "dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties"),
    },
    list: {
        *("minItems", "maxItems", "uniqueItems", "items", "prefixItems", "additionalItems", "contains"),
        *("minContains", "maxContains", "unevaluatedItems"),
    },
    float: {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
}
_SAMPLES: dict[type, Any] = {str: "", dict: {}, list: []}


class Walk:
    """What one place of an event needs: a coercion, and the rules that are left to ask about its outcome.

    It is filled when all coercions are finished.
    """

    __slots__ = (
        *("_as_a_whole", "_coerced_checks", "_coercion", "_has_others", "_item", "_list_check", "_object_checks"),
        *("_places", "_required", "_text_checks", "_value_checks", "text_checks"),
    )

    def fill(self, coercion: Coercion, rules: list[Rule], children: dict[str, Walk], item: Walk | None) -> None:
        """Set what the walk does.

        :param coercion: of this place.
        :param rules: those that are left to ask about a value whose children are valid.
        :param children: the walks of the properties that are known by name.
        :param item: the walk of the items of a list, if all of them are alike.
        """
        self._coercion = coercion
        self._as_a_whole = bool(coercion.steps)
        self._has_others = bool(coercion.appliers)
        #: The checks that a text may break here.
        self.text_checks = _checks_of(str, rules)
        self._object_checks = _checks_of(dict, rules)
        self._list_check = all_hold(_checks_of(list, rules))
        self._value_checks = [rule.holds for rule in rules]
        # What a text becomes is of a type that is allowed.
        self._coerced_checks = [rule.holds for rule in rules if rule.keyword != "type"]
        self._required = _required_names(rules)
        self._places, self._item = children, item

    def finish(self) -> None:
        """Set what the walk does with texts among its children, once these are filled."""
        # A name that is not in here has a text that needs no look; None stands for one that may change.
        self._text_checks = {
            name: None if child.changes_text else all_hold(child.text_checks)
            for name, child in self._places.items()
            if child.changes_text or child.text_checks
        }

    @property
    def changes_text(self) -> bool:
        """True if a text may become something else here, or be removed."""
        return self._as_a_whole or self._coercion.changes_text

    def walk(self, value: Any, memory: Memory) -> Any:
        """Return *value* coerced, or ``FAULT`` or ``REMOVED``; what came in is not changed."""
        kind = type(value)
        if kind is dict and not self._as_a_whole:
            return self._object(value, memory)
        checks = self._value_checks
        if self._as_a_whole:
            value = self._coercion.coerce(value, memory)
            if self._coercion.removes(value):
                return REMOVED
        elif kind is str:
            value = self._coercion.coerce_text(value)
            if type(value) is not str:
                checks = self._coerced_checks
            elif self._coercion.removes(value):
                return REMOVED
            else:
                checks = self.text_checks
        elif kind is list:
            return self._list(value, memory)
        for check in checks:
            if not check(value, memory):
                return FAULT
        return value

    def _object(self, value: dict[str, Any], memory: Memory) -> Any:
        result = self._properties(value, memory) if self._places else value
        if result is FAULT:
            return FAULT
        if self._has_others:
            result = self._coercion.coerce_others(value, result, memory)
        for name in self._required:
            if name not in result:
                return FAULT
        for check in self._object_checks:
            if not check(result, memory):
                return FAULT
        return result

    def _properties(self, value: dict[str, Any], memory: Memory) -> Any:
        """*value* with the properties coerced that are known by name, or ``FAULT``."""
        result, text_checks, places = value, self._text_checks, self._places
        for name, child in value.items():
            if type(child) is str:
                if name not in text_checks:
                    continue
                check = text_checks[name]
                if check is not None:
                    if check(child, memory):
                        continue
                    return FAULT
            elif name not in places:
                continue
            new = places[name].walk(child, memory)
            if new is FAULT:
                return FAULT
            if new is not child:
                result = _changed(value.copy() if result is value else result, name, new)
        return result

    def _list(self, value: list[Any], memory: Memory) -> Any:
        item = self._item
        result = self._items(item, value, memory) if item else self._coercion.coerce_list(value, memory)
        return result if result is not FAULT and self._list_check(result, memory) else FAULT

    def _items(self, walk: Walk, value: list[Any], memory: Memory) -> Any:
        result, changed, skips_texts = [], False, not (walk.changes_text or walk.text_checks)
        for item in value:
            new = item if skips_texts and type(item) is str else walk.walk(item, memory)
            if new is FAULT:
                return FAULT
            changed = changed or new is not item
            if new is not REMOVED:
                result.append(new)
        return result if changed else value


def _changed(value: dict[str, Any], name: str, new: Any) -> dict[str, Any]:
    """*value*, with *new* for *name*."""
    if new is REMOVED:
        del value[name]
    else:
        value[name] = new
    return value


def _checks_of(kind: type, rules: Iterable[Rule]) -> list[Check]:
    """The checks that a value of one type may break."""
    others = set().union(*(keywords for about, keywords in _ABOUT.items() if about is not kind))
    # Whether "type" holds depends on the type alone, but for numbers. "required" of an object is asked by itself.
    settled = others | ({"required"} if kind is dict else set())
    return [
        rule.holds
        for rule in rules
        if rule.keyword not in settled and not (rule.keyword == "type" and rule.holds(_SAMPLES[kind], {}))
    ]


def _required_names(rules: Iterable[Rule]) -> frozenset[str]:
    return frozenset(name for rule in rules if rule.keyword == "required" for name in rule.value)
