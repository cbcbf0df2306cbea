"""The parts of coercion that depend on the value: alternatives, conditions, dependencies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..compiled import Check, Memory, Node, Switch
from .place import Coercion


@dataclass(frozen=True, slots=True)
class Choice:
    """An ``anyOf`` or a ``oneOf``: what satisfies it now stays, else the first alternative that its coercion satisfies.

    :ivar holds: the check of the whole keyword.
    :ivar alternatives: the coercion and the schema of each, in the schema's order.
    :ivar switch: finds quickly which alternatives can hold.
    """

    holds: Check
    alternatives: Sequence[tuple[Coercion, Node]]
    switch: Switch | None

    def coerce(self, value: Any, memory: Memory) -> Any:
        """Return *value* coerced."""
        if self.holds(value, memory):
            return value
        for index in self.switch.indexes(value) if self.switch else range(len(self.alternatives)):
            coercion, node = self.alternatives[index]
            if type(value) is dict and not node.required_names <= value.keys():  # coercion adds nothing
                continue
            coerced = coercion.coerce(value, memory)
            if node.holds(coerced, memory):
                return coerced
        return value

    def coercions(self) -> Iterator[Coercion]:
        """The coercions of the alternatives."""
        return (coercion for coercion, _ in self.alternatives)

    @property
    def takes_text(self) -> bool:
        """False if no alternative takes a string."""
        return any(coercion.takes_text and not node.is_false for coercion, node in self.alternatives)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Each ``if``: its own coercion stays where it is satisfied; then ``then`` or ``else`` coerces.

    :ivar conditions: for each ``if`` its coercion and its schema, and the coercions of ``then`` and ``else``.
    :ivar switch: finds quickly which of them can hold, where none has an ``else``.
    """

    conditions: Sequence[tuple[Coercion, Node, Coercion | None, Coercion | None]]
    switch: Switch | None = None

    def with_switch(self) -> Conditions:
        """The same, with a switch where one is of use."""
        if any(else_ for _, _, _, else_ in self.conditions):
            return self
        return Conditions(self.conditions, Switch.of([node for _, node, _, _ in self.conditions]))

    def coerce(self, value: Any, memory: Memory) -> Any:
        """Return *value* coerced."""
        for index in self.switch.indexes(value) if self.switch else range(len(self.conditions)):
            if_, node, then, else_ = self.conditions[index]
            coerced = if_.coerce(value, memory)
            if node.holds(coerced, memory):
                value = then.coerce(coerced, memory) if then else coerced
            elif else_:
                value = else_.coerce(value, memory)
        return value

    def coercions(self) -> Iterator[Coercion]:
        """The coercions of all branches."""
        return (each for if_, _, then, else_ in self.conditions for each in (if_, then, else_) if each)

    @property
    def takes_text(self) -> bool:
        """False if there is an ``if`` of which neither ``then`` nor ``else`` takes a string."""
        return all(
            then is None or else_ is None or then.takes_text or else_.takes_text
            for _, _, then, else_ in self.conditions
        )


@dataclass(frozen=True, slots=True)
class Dependency:
    """One schema of ``dependentSchemas``, or of ``dependencies``.

    :ivar name: the property that must be there.
    :ivar coercion: what coerces then.
    """

    name: str
    coercion: Coercion

    def coerce(self, value: Any, memory: Memory) -> Any:
        """Return *value* coerced."""
        return self.coercion.coerce(value, memory) if type(value) is dict and self.name in value else value

    def coercions(self) -> Iterator[Coercion]:
        """The one coercion."""
        yield self.coercion

    @property
    def takes_text(self) -> bool:
        """True: it only applies to objects."""
        return True
