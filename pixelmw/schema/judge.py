"""Judges events: coerces an event, validates it, and refuses it with the most telling of its faults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import Rejected
from ..params import Limits
from .coerce import FAULT, compile_coercion
from .compiled import Compiler, Memory, Path, assume_matches, too_long_texts
from .load import SchemaFault, load_schema, locate_schema
from .patterns import Patterns, TooMuchText
from .refusals import find_fault, refusal_of, refusal_of_length
from .values import is_plain, plain

# A schema with one of these may hold because another one does not.
_NEGATING = ("not", "oneOf", "if", "contains", "minContains", "maxContains")


class EventSchema:
    """The schema of one event type, compiled; safe to share between threads.

    :param name: what an error calls the schema.
    :param schema: a JSON Schema as a dict.
    :param pattern_steps: see :class:`pixelmw.Limits`.
    :param is_checked: True if the schema was loaded before, and so is known to be one.
    :raises TypeError: if it is not a dict.
    :raises ValueError: if it is unusable, see :func:`pixelmw.schema.load.load_schema`.
    :ivar node: the compiled schema.
    """

    def __init__(
        self,
        name: str,
        schema: Any,
        pattern_steps: int | None = Limits().pattern_steps,
        *,
        is_checked: bool = False,
    ) -> None:
        patterns = Patterns(pattern_steps)
        located = locate_schema(schema) if is_checked else load_schema(name, schema, patterns)[1]
        try:
            compiler = Compiler(located, patterns)
            self._coercion, self._walk = compile_coercion(located, compiler)
        except RecursionError:
            raise SchemaFault(f"{name} is nested too deep to validate an event with it") from None
        self.node = compiler.root
        # Where a schema may hold because another one does not, a value that no check can satisfy would do harm.
        self._needs_plain = any(
            node.own_coercion or any(rule.keyword in _NEGATING for rule in node.rules) for node in compiler.nodes
        )

    def coerce(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return *event* coerced; what came in is not changed."""
        coerced: dict[str, Any] = self.coerced(event, {})
        return coerced

    def coerce_and_validate(self, event: dict[str, Any], *, from_query: bool = False) -> None:
        """Coerce *event*, then validate it.

        :param from_query: True if all in it is of the exact types that JSON has, since nobody but the package made it.

        The event itself is changed, but no dict or list inside it: where
        something in it changes, there is a new one.

        :raises Rejected: ``invalid``, with the path and the keyword at fault.
            Which of several faults is reported does not depend on the order of
            the query's parameters.
        """
        memory: Memory = {}
        try:
            self._coerce_and_validate(event, memory, from_query)
        except TooMuchText:
            raise Rejected(
                "invalid", "the event has too much text for the patterns of its schema", rule="pattern"
            ) from None

    def named_properties(self, path: Sequence[str] = ()) -> frozenset[str]:
        """The names that the schema has for properties of the event, or of the object at *path* in it."""
        nodes = [self.node]
        for name in path:
            rules = [rule for node in nodes for applied in node.applied() for rule in applied.rules]
            nodes = [rule.properties[name] for rule in rules if rule.properties and name in rule.properties]
        return frozenset().union(*(node.named_properties for node in nodes))

    def _coerce_and_validate(self, event: dict[str, Any], memory: Memory, from_query: bool) -> None:
        needs_look = self._needs_plain and not from_query
        value = plain(event) if needs_look and not is_plain(event) else event
        coerced = self._walk.walk(value, memory)
        valid = coerced is not FAULT
        if not valid:
            coerced = self._coercion.coerce(value, memory)
            # An enricher may have left instances of subclasses, which no check accepts.
            if not from_query and not is_plain(coerced):
                memory = {}
                coerced = self.coerced(plain(event), memory)
                valid = self.node.holds(coerced, memory)
        if coerced is not event:
            event.clear()
            event.update(coerced)
        if not valid or memory:
            refusal = self._refusal(coerced, memory, (), is_valid=valid)
            if refusal is not None:
                raise refusal

    def refusal(self, value: Any, memory: Memory, path: Path = ()) -> Rejected | None:
        """Judge *value* as it is. Returns the refusal, or ``None`` if the schema accepts it.

        :param memory: what was found out in this request.
        :param path: the names that lead to the value in its event.
        """
        return self._refusal(value, memory, path, is_valid=self.node.holds(value, memory))

    def _refusal(self, value: Any, memory: Memory, path: Path, *, is_valid: bool) -> Rejected | None:
        if not is_valid:
            return refusal_of(find_fault(self.node, value, memory).below(path), memory)
        if memory and (texts := too_long_texts(value, memory)) and not self.node.holds(value, assume_matches()):
            return refusal_of_length([((*path, *inner), text, pattern) for inner, text, pattern in texts])
        return None

    def coerced(self, value: Any, memory: Memory) -> Any:
        """Return *value* coerced; what came in is not changed.

        :param memory: what was found out in this request.
        """
        if self._needs_plain and not is_plain(value):
            value = plain(value)
        return self._coercion.coerce(value, memory)
