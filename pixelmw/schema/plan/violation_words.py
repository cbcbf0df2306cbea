"""The words of RudderStack's violations: for each keyword a type, and the message of the validator ajv 8.

Source: rudderlabs/rudder-transformer, ``src/util/eventValidation.js``, and ajv's ``lib/vocabularies``.
"""

from __future__ import annotations

import json
from typing import Any

from ..compiled import Node, Rule
from ..values import identity

_RULES = (
    "minLength", "maxLength", "pattern", "format", "multipleOf", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minItems", "maxItems", "uniqueItems", "enum", "if",
)  # fmt: skip
_TYPE_OF = {
    "required": "Required-Missing",
    "type": "Datatype-Mismatch",
    "additionalProperties": "Additional-Properties",
    "unevaluatedProperties": "Additional-Properties",
    **dict.fromkeys(_RULES, "Advance-Rules-Violation"),
}
#: What one violation is in ``context.violationErrors``: type, message, meta, property.
Violation = dict[str, Any]

#: The type of the violation of any other keyword.
UNKNOWN = "Unknown-Violation"

_MESSAGES = {
    "minLength": "must NOT have fewer than {} characters",
    "maxLength": "must NOT have more than {} characters",
    "multipleOf": "must be multiple of {}",
    "minimum": "must be >= {}",
    "maximum": "must be <= {}",
    "exclusiveMinimum": "must be > {}",
    "exclusiveMaximum": "must be < {}",
    "minItems": "must NOT have fewer than {} items",
    "maxItems": "must NOT have more than {} items",
    "minProperties": "must NOT have fewer than {} properties",
    "maxProperties": "must NOT have more than {} properties",
    "enum": "must be equal to one of the allowed values",
    "const": "must be equal to constant",
    "not": "must NOT be valid",
    "anyOf": "must match a schema in anyOf",
    "oneOf": "must match exactly one schema in oneOf",
    "propertyNames": "property name must be valid",
    "false": "boolean schema is false",
}


def violation(keyword: str, message: str, instance: str, schema: str, name: str = "") -> Violation:
    """A violation in the form that RudderStack writes into ``context.violationErrors``.

    :param keyword: the keyword that is broken.
    :param instance: the JSON pointer of the value at fault.
    :param schema: the URI fragment of the keyword in the schema.
    :param name: the property that is missing, or should not be there.
    """
    kind = _TYPE_OF.get(keyword, UNKNOWN)
    return {
        "type": kind,
        "message": message,
        "meta": {"instancePath": instance, "schemaPath": schema},
        "property": name,
    }


def unplanned_event(name: str) -> Violation:
    """The violation of a track event that the plan does not name."""
    return {"type": "Unplanned-Event", "message": f"no schema for event: {name}", "meta": {}, "property": ""}


def message_of(rule: Rule, value: Any, node: Node | None = None) -> str:
    """What ajv says of *value*, which breaks *rule* of *node*."""
    keyword = rule.worded_as or rule.keyword
    if keyword == "type":
        return f"must be {rule.value if isinstance(rule.value, str) else ','.join(rule.value)}"
    if keyword == "pattern":
        return f'must match pattern "{rule.value}"'
    if keyword == "uniqueItems":
        return "must NOT have duplicate items (items ## {} and {} are identical)".format(
            *_same_items(value, node.schema.get("items") if node else None)
        )
    if keyword in _MESSAGES:
        return _MESSAGES[keyword].format(number(rule.value))
    return f'must pass "{keyword}" keyword validation'


def number(value: Any) -> str:
    """A number as JavaScript writes it; anything else as JSON."""
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


def _same_items(items: list[Any], schema: Any) -> tuple[int, int]:
    """The two equal items that ajv names.

    It looks from the end for one that is there before, too. If the schema of
    the items has types, and all of them are scalars, it looks from the end for
    one that is there behind, too.
    """
    places: dict[Any, list[int]] = {}
    for index, item in enumerate(items):
        places.setdefault(identity(item), []).append(index)
    repeated = [same for same in places.values() if len(same) > 1]
    types = schema.get("type", ()) if isinstance(schema, dict) else ()
    types = (types,) if isinstance(types, str) else types
    if types and not {"object", "array"} & {*types}:
        earlier, later = max((same[-2:] for same in repeated), key=lambda pair: pair[0])
        return later, earlier
    earlier, later = max((same[-2:] for same in repeated), key=lambda pair: pair[1])
    return earlier, later
