"""Judges events: coerces an event, validates it, and refuses it with the most telling of its faults."""

from __future__ import annotations

from typing import Any

from .coerce import compile_coercion
from .compiled import Compiler, Memory
from .load import load_schema
from .refusals import find_fault, refusal_of
from .values import is_plain, plain

# A schema with one of these may hold because another one does not.
_NEGATING = ("not", "oneOf", "if", "contains", "minContains", "maxContains")


class EventSchema:
    """The schema of one event type, compiled; safe to share between threads.

    :param name: what an error calls the schema.
    :param schema: a JSON Schema as a dict.
    :raises TypeError: if it is not a dict.
    :raises ValueError: if it is unusable, see :func:`pixelmw.schema.load.load_schema`.
    """

    def __init__(self, name: str, schema: Any) -> None:
        _, located = load_schema(name, schema)
        try:
            compiler = Compiler(located)
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
        coerced = self._coerced(event, memory)
        valid = self._node.holds(coerced, memory)
        if not valid and not is_plain(coerced):  # an enricher left instances of subclasses, which no check accepts
            memory = {}
            coerced = self._coerced(plain(event), memory)
            valid = self._node.holds(coerced, memory)
        if coerced is not event:
            event.clear()
            event.update(coerced)
        if not valid:
            raise refusal_of(find_fault(self._node, coerced, memory), memory)

    def _coerced(self, event: dict[str, Any], memory: Memory) -> dict[str, Any]:
        if self._needs_plain and not is_plain(event):
            event = plain(event)
        coerced: dict[str, Any] = self._coercion.coerce(event, memory)
        return coerced
