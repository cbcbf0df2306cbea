"""Judges events: coerces an event, validates it, and refuses it with the most telling of its errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .compile_coercion import compile_coercion
from .compiled import CompiledSchema
from .load import load_schema
from .words import refusal_of

if TYPE_CHECKING:
    from jsonschema import ValidationError

# An error of one of these only says that a schema inside it failed, or that none inside it held. An error of any other
# keyword tells more.
_COMBINING_KEYWORDS = ("anyOf", "oneOf", "not", "if", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems")


class EventSchema:
    """The schema of one event type, compiled; safe to share between threads.

    :param name: what an error calls the schema.
    :param schema: a JSON Schema as a dict.
    :raises TypeError: if it is not a dict.
    :raises ValueError: if it is unusable, see :func:`pixelmw.schema.load.load_schema`.
    """

    def __init__(self, name: str, schema: Any) -> None:
        validator, located = load_schema(name, schema)
        self._coercion = compile_coercion(located)
        self._compiled = CompiledSchema(located, validator)

    def coerce_and_validate(self, event: dict[str, Any]) -> None:
        """Coerce *event* in place, then validate it.

        :raises Rejected: ``invalid``, with the path and the keyword at fault.
            Which of several errors is reported does not depend on the order of
            the query's parameters.
        """
        self._coercion.coerce(event)
        if not self._compiled.is_certainly_valid(event):
            errors = [([*path, *error.absolute_path], error) for path, error in self._compiled.errors(event)]
            if errors:
                raise refusal_of(*min(errors, key=_reporting_order), event)


def _reporting_order(found: tuple[list[str | int], ValidationError]) -> tuple[bool, int, list[str], str, str]:
    """A sort key: the error that sorts first is reported."""
    path, error = found
    instance = json.dumps(error.instance, sort_keys=True, default=str)
    combining = error.validator in _COMBINING_KEYWORDS
    return combining, len(path), [str(segment) for segment in path], str(error.validator), instance
