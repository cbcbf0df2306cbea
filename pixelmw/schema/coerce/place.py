"""Gives the strings of an event the types that its schema asks for, before the schema judges the event.

1. A value of a query is a string. Where the schema can only be satisfied by another type, the number, boolean or null
   that the string spells takes its place. Nothing else is ever made out of a string, and what does not fit stays one.
2. At each place of an event, first what always applies is asked for types, then each ``anyOf`` and ``oneOf``, then
   ``if``, then ``dependentSchemas``: see :mod:`pixelmw.schema.coerce.steps`.
3. At last, a string that says nothing is removed from its object or list, if no type and no alternative takes a string.
4. What came in is not changed: where something changes, there is a new dict or list, also in all that hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ...text import says_nothing
from ..values import kind_of, value_of_text

if TYPE_CHECKING:
    from ..compiled import Memory


class Step(Protocol):
    """A part of coercion that depends on the value: an alternative, a condition, a dependency."""

    def coerce(self, value: Any, memory: Memory) -> Any:
        """Return *value* coerced."""

    def coercions(self) -> Iterator[Coercion]:
        """The coercions that the step may apply to the value."""

    @property
    def takes_text(self) -> bool:
        """False if a string cannot satisfy the step, whatever it says."""


@dataclass(slots=True)
class Applier:
    """How one schema coerces the properties that are not known by name.

    :ivar patterns: its ``patternProperties``: what searches a name, and the coercion.
    :ivar additional: its ``additionalProperties``.
    """

    patterns: list[tuple[Callable[[str], object], Coercion]]
    additional: Coercion | None

    def coercions(self) -> Iterator[Coercion]:
        """All of its coercions."""
        yield from (coercion for _, coercion in self.patterns)
        yield from filter(None, [self.additional])

    def coercions_of(self, name: str) -> list[Coercion]:
        """The coercions of the property *name*."""
        found = [coercion for search, coercion in self.patterns if search(name) is not None]
        return found or ([self.additional] if self.additional else [])


@dataclass(slots=True, eq=False)
class Coercion:
    """What schemas that always apply together ask for at one place of an event, and at the places below it.

    :ivar kinds: the kinds of values that are allowed here, see
        :func:`pixelmw.schema.values.kind_of`; ``None`` if no type is named.
    :ivar values: the scalars that ``enum`` and ``const`` allow, each with
        whether it is a boolean; ``None`` if there are none of these keywords.
    :ivar properties: the coercion of each property of an object that is known by name.
    :ivar known_names: the names of all properties that are known, also of those that never change.
    :ivar appliers: the coercions of other properties.
    :ivar first_items: the coercions of the first items of a list.
    :ivar other_items: the coercion of all items after these, or ``None``.
    :ivar lasting_items: how many first items are never removed, because the
        meaning of those behind them depends on their place.
    :ivar steps: what depends on the value.
    :ivar is_shared: True if it may be asked more than once about one value.
    :ivar takes_text: False if no string can satisfy the types, the values and the steps.
    """

    kinds: frozenset[str] | None = None
    values: frozenset[tuple[bool, Any]] | None = None
    properties: dict[str, Coercion] = field(default_factory=dict)
    known_names: frozenset[str] = frozenset()
    appliers: list[Applier] = field(default_factory=list)
    first_items: list[Coercion | None] = field(default_factory=list)
    other_items: Coercion | None = None
    lasting_items: int = 0
    steps: list[Step] = field(default_factory=list)
    is_shared: bool = False
    takes_text: bool = True

    @property
    def changes_text(self) -> bool:
        """True if a string at this place may become something else, or be removed, whatever the steps do."""
        by_type = self.kinds is not None and "string" not in self.kinds
        by_value = self.values is not None and any(type(value) is not str for _, value in self.values)
        return by_type or by_value or not self.takes_text

    def children(self) -> Iterator[Coercion]:
        """The coercions at the places directly below this one, and those of the steps."""
        yield from self.properties.values()
        for applier in self.appliers:
            yield from applier.coercions()
        yield from filter(None, [*self.first_items, self.other_items])
        for step in self.steps:
            yield from step.coercions()

    def keep(self, changing: set[Coercion]) -> None:
        """Drop the coercions of properties and items that are not among *changing*."""
        self.properties = {name: child for name, child in self.properties.items() if child in changing}
        if not any(changing.intersection(each.coercions()) for each in self.appliers):
            self.appliers = []  # else all stay: those of one name are asked together
        self.first_items = [child if child in changing else None for child in self.first_items]
        self.other_items = self.other_items if self.other_items in changing else None

    def coerce(self, value: Any, memory: Memory) -> Any:
        """Return *value* coerced; what came in is not changed.

        A string that says nothing is returned as it is, since it is for the
        object or list that holds it to remove it.

        :param memory: what was found out in this request.
        """
        if self.is_shared:
            known = memory.get((self, id(value)))
            if known is None:
                known = memory[self, id(value)] = (value, self._coerce(value, memory))
            return known[1]
        return self._coerce(value, memory)

    def _coerce(self, value: Any, memory: Memory) -> Any:
        kind = type(value)
        if kind is dict:
            value = self._coerce_object(value, memory)
        elif kind is str:
            value = self.coerce_text(value)
        elif kind is list:
            value = self.coerce_list(value, memory)
        for step in self.steps:
            value = step.coerce(value, memory)
        return value

    def coerce_text(self, text: str) -> Any:
        """Return *text*, or what it spells where the types and values ask for that."""
        by_type = self.kinds is not None and "string" not in self.kinds
        if not by_type and (self.values is None or (False, text) in self.values):
            return text
        value = value_of_text(text)
        if value is text or (self.kinds is not None and kind_of(value) not in self.kinds):
            return text
        # Where the types leave no string, the value has the right type at least, and the refusal says what is wrong.
        return value if by_type or (type(value) is bool, value) in (self.values or ()) else text

    def _coerce_object(self, value: dict[str, Any], memory: Memory) -> dict[str, Any]:
        result = value
        for name, coercion in self.properties.items():
            if name in value:
                child = value[name]
                coerced = coercion.coerce(child, memory)
                removed = type(coerced) is str and coercion.removes(coerced)
                if removed or coerced is not child:
                    if result is value:
                        result = dict(value)
                    result[name] = coerced
                    if removed:
                        del result[name]
        return self.coerce_others(value, result, memory) if self.appliers else result

    def coerce_others(self, value: dict[str, Any], result: dict[str, Any], memory: Memory) -> dict[str, Any]:
        """*result* with those properties of *value* coerced that are not known by name."""
        for name, child in value.items():
            if name not in self.known_names:
                coerced, removed = child, False
                coercions = [each for applier in self.appliers for each in applier.coercions_of(name)]
                if len(coercions) > 1 and type(child) is str:
                    coercions = [_together(coercions)]
                for coercion in coercions:
                    coerced = coercion.coerce(coerced, memory)
                    removed = removed or coercion.removes(coerced)
                if removed or coerced is not child:
                    if result is value:
                        result = dict(value)
                    result[name] = coerced
                    if removed:
                        del result[name]
        return result

    def coerce_list(self, value: list[Any], memory: Memory) -> list[Any]:
        """Return *value* with its items coerced."""
        if not (self.other_items or any(self.first_items)):
            return value
        result, changed = [], False
        for index, item in enumerate(value):
            coercion = self.first_items[index] if index < len(self.first_items) else self.other_items
            coerced = coercion.coerce(item, memory) if coercion else item
            removed = coercion is not None and index >= self.lasting_items and coercion.removes(coerced)
            changed = changed or removed or coerced is not item
            if not removed:
                result.append(coerced)
        return result if changed else value

    def removes(self, value: Any) -> bool:
        """True if *value*, once it is coerced, is a string that says nothing, where no string may stand."""
        return not self.takes_text and type(value) is str and says_nothing(value)

    @property
    def can_take_text(self) -> bool:
        """False if no string can satisfy the types, the values and the steps, as far as the steps know by now."""
        by_type = self.kinds is None or "string" in self.kinds
        by_value = self.values is None or any(type(value) is str for _, value in self.values)
        return by_type and by_value and all(step.takes_text for step in self.steps)


def _together(coercions: list[Coercion]) -> Coercion:
    """What *coercions*, which apply to one and the same text, ask of it together."""
    kinds = [each.kinds for each in coercions if each.kinds is not None]
    values = [each.values for each in coercions if each.values is not None]
    together = Coercion(
        kinds=frozenset.intersection(*kinds) if kinds else None,
        values=frozenset.intersection(*values) if values else None,
        steps=[step for each in coercions for step in each.steps],
    )
    together.takes_text = together.can_take_text
    return together
