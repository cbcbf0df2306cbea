"""Judges events: coerces an event, validates it, and refuses it with the most telling of its faults."""

from __future__ import annotations

from typing import Any

from ..errors import Rejected
from ..params import Limits
from .coerce import compile_coercion
from .compiled import Compiler, Memory, assume_matches, too_long_texts
from .load import load_schema
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
    :raises TypeError: if it is not a dict.
    :raises ValueError: if it is unusable, see :func:`pixelmw.schema.load.load_schema`.
    """

    def __init__(self, name: str, schema: Any, pattern_steps: int | None = Limits().pattern_steps) -> None:
        patterns = Patterns(pattern_steps)
        _, located = load_schema(name, schema, patterns)
        try:
            compiler = Compiler(located, patterns)
            self._coercion = compile_coercion(located, compiler)
        except RecursionError:
            raise ValueError(f"{name} is nested too deep to validate an event with it") from None
        self._node = compiler.root
        # Where a schema may hold because another one does not, a value that no check can satisfy would do harm.
        self._needs_plain = any(
            node.own_coercion or any(rule.keyword in _NEGATING for rule in node.rules) for node in compiler.nodes
        )

    def coerce(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return *event* coerced; what came in is not changed."""
        return self._coerced(event, {})

    def coerce_and_validate(self, event: dict[str, Any]) -> None:
        """Coerce *event*, then validate it.

        The event itself is changed, but no dict or list inside it: where
        something in it changes, there is a new one.

        :raises Rejected: ``invalid``, with the path and the keyword at fault.
            Which of several faults is reported does not depend on the order of
            the query's parameters.
        """
        memory: Memory = {}
        try:
            self._coerce_and_validate(event, memory)
        except TooMuchText:
            raise Rejected(
                "invalid", "the event has too much text for the patterns of its schema", rule="pattern"
            ) from None

    def _coerce_and_validate(self, event: dict[str, Any], memory: Memory) -> None:
        coerced = self._coerced(event, memory)
        valid = self._node.holds(coerced, memory)
        if not valid and not is_plain(coerced):  # an enricher left instances of subclasses, which no check accepts
            memory = {}
            coerced = self._coerced(plain(event), memory)
            valid = self._node.holds(coerced, memory)
        if coerced is not event:
            event.clear()
            event.update(coerced)
        if (
            valid
            and memory
            and (texts := too_long_texts(coerced, memory))
            and not self._node.holds(coerced, assume_matches())
        ):
            raise refusal_of_length(texts)
        if not valid:
            raise refusal_of(find_fault(self._node, coerced, memory), memory)

    def _coerced(self, event: dict[str, Any], memory: Memory) -> dict[str, Any]:
        if self._needs_plain and not is_plain(event):
            event = plain(event)
        coerced: dict[str, Any] = self._coercion.coerce(event, memory)
        return coerced
