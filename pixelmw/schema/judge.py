"""Judges events: coerces an event, validates it, and refuses it with the most telling of its faults."""

from __future__ import annotations

from typing import Any

from .coerce import compile_coercion
from .compiled import Compiler, Memory
from .load import load_schema
from .refusals import find_fault, refusal_of
from .values import plain


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

    def coerce(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return *event* coerced; what came in is not changed."""
        coerced: dict[str, Any] = self._coercion.coerce(plain(event), {})
        return coerced

    def coerce_and_validate(self, event: dict[str, Any]) -> None:
        """Coerce *event*, then validate it.

        The event itself is changed, but no dict or list inside it: where
        something in it changes, there is a new one.

        :raises Rejected: ``invalid``, with the path and the keyword at fault.
            Which of several faults is reported does not depend on the order of
            the query's parameters.
        """
        memory: Memory = {}
        coerced = self._coercion.coerce(plain(event), memory)
        if coerced is not event:
            event.clear()
            event.update(coerced)
        if not self._node.holds(coerced, memory):
            raise refusal_of(find_fault(self._node, coerced, memory), memory)
