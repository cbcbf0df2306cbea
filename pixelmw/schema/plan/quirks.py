"""What the makers of plans put into JSON Schemas that JSON Schema does not know, or does not allow.

What it does not know, such as Segment's ``labels``, changes nothing, and is named. What would do harm is taken out.
"""

from __future__ import annotations

from typing import Any

from ..slips import KNOWN_KEYWORDS

_DRAFT_4 = "http://json-schema.org/draft-04/schema"
#: What RudderStack takes a schema without ``$schema`` for, and Segment.
DRAFT_2019_09 = "https://json-schema.org/draft/2019-09/schema"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"

# Iglu's self-describing schemas are those of draft 4, and "self" beside them.
_IGLU = "com.snowplowanalytics.self-desc"
# The keywords that hold schemas: by name, in a list, alone.
_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")
_IN_LIST = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_ALONE = (
    "additionalItems", "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then",
    "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip


def cleaned(schema: dict[str, Any], ignored: dict[str, None], dialect: str | None = None) -> dict[str, Any]:
    """A copy of *schema* without what would do harm; a property of such a name stays.

    :param ignored: gets what JSON Schema does not know, each once.
    :param dialect: what the schema is written in if it does not say so.
    """
    declared = schema.get("$schema", dialect)
    is_draft_4 = isinstance(declared, str) and (declared.startswith(_DRAFT_4) or _IGLU in declared)
    copy = _cleaned(schema, ignored, is_draft_4=is_draft_4)
    if "$schema" not in copy and dialect:
        copy = {"$schema": dialect, **copy}
    return copy


def _cleaned(schema: dict[str, Any], ignored: dict[str, None], *, is_draft_4: bool) -> dict[str, Any]:
    copy: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword not in KNOWN_KEYWORDS:
            ignored[keyword] = None
        if note := _harmful(keyword, value, is_draft_4=is_draft_4):
            ignored[note] = None
        elif keyword == "$schema" and isinstance(value, str) and _IGLU in value:
            ignored["Iglu's $schema"] = None
            copy[keyword] = f"{_DRAFT_4}#"
        elif keyword in _BY_NAME and isinstance(value, dict):
            copy[keyword] = {name: _below(child, ignored, is_draft_4=is_draft_4) for name, child in value.items()}
        elif keyword in _IN_LIST and isinstance(value, list):
            copy[keyword] = [_below(child, ignored, is_draft_4=is_draft_4) for child in value]
        elif keyword in _ALONE:
            copy[keyword] = _below(value, ignored, is_draft_4=is_draft_4)
        else:
            copy[keyword] = value
    return copy


def _below(schema: Any, ignored: dict[str, None], *, is_draft_4: bool) -> Any:
    if schema == {}:
        ignored["{}"] = None
    return _cleaned(schema, ignored, is_draft_4=is_draft_4) if isinstance(schema, dict) else schema


def _harmful(keyword: str, value: Any, *, is_draft_4: bool) -> str | None:
    """What is said about a keyword that is taken out; ``None`` if it stays."""
    if keyword == "required" and value == []:  # draft 4 does not allow it
        return "required: []"
    # Segment writes the path of a property there, and Typewriter changes the keyword. A reference must not start there.
    is_path = isinstance(value, str) and value.startswith("/properties/")
    if (keyword == "id" and (is_path or not is_draft_4)) or (keyword == "$id" and is_path):
        return keyword
    return None
