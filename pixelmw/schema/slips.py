"""Warns of keywords that no draft of JSON Schema knows and that are one slip away from one that is known."""

from __future__ import annotations

import inspect
import re
import warnings
from typing import Any

#: All keywords of drafts 3 to 2020-12, annotations included.
KNOWN_KEYWORDS = [
    "$anchor", "$comment", "$defs", "$dynamicAnchor", "$dynamicRef", "$id", "$recursiveAnchor", "$recursiveRef",
    "$ref", "$schema", "$vocabulary", "additionalItems", "additionalProperties", "allOf", "anyOf", "const",
    "contains", "contentEncoding", "contentMediaType", "contentSchema", "default", "definitions", "dependencies",
    "dependentRequired", "dependentSchemas", "deprecated", "description", "disallow", "divisibleBy", "else", "enum",
    "examples", "exclusiveMaximum", "exclusiveMinimum", "extends", "format", "id", "if", "items", "maxContains",
    "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties",
    "minimum", "multipleOf", "not", "oneOf", "pattern", "patternProperties", "prefixItems", "properties",
    "propertyNames", "readOnly", "required", "then", "title", "type", "unevaluatedItems", "unevaluatedProperties",
    "uniqueItems", "writeOnly",
]  # fmt: skip
# Other people's keywords that look like slips: OpenAPI's, and words for notes.
_NO_SLIPS = {"example", "when"}


class SchemaWarning(UserWarning):
    """A schema holds what is allowed and most likely a mistake."""


def warn_of_slips(name: str, schema: dict[str, Any]) -> None:
    """Warn of each keyword of *schema*, but of no schema inside it, that is likely a slip.

    :param name: what the warning calls the schema as a whole.
    """
    for keyword in schema:
        if meant := _meant_by(keyword):
            warnings.warn(
                f"{name} has the keyword {keyword!r}, which JSON Schema does not know: is {meant!r} meant?",
                SchemaWarning,
                stacklevel=_frames_of_ours(),
            )


def _meant_by(keyword: str) -> str | None:
    """The known keyword that *keyword* is one slip away from; ``None`` if it is known itself, or far from all."""
    if keyword in KNOWN_KEYWORDS or keyword in _NO_SLIPS or keyword.startswith(("x-", "x_")):
        return None
    return next((known for known in KNOWN_KEYWORDS if _is_slip(_letters(keyword), _letters(known))), None)


def _letters(keyword: str) -> str:
    """*keyword* without what is often spelled otherwise: upper case, the $ in front, a _ or - between words."""
    return re.sub("[$_-]", "", keyword).lower()


def _is_slip(word: str, known: str) -> bool:
    """Return True if the words are the same but for one letter, or for two that changed places."""
    if word == known:
        return True
    if len(known) < 4 or abs(len(word) - len(known)) > 1:  # a word like "of" is no slip for "if"
        return False
    start = next(
        (index for index, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known))
    )
    one, other = word[start:], known[start:]
    return (
        one[1:] == other[1:]
        or one[1:] == other
        or one == other[1:]
        or (one[:2] == other[1::-1] and len(one) > 1 and one[2:] == other[2:])
    )


def _frames_of_ours() -> int:
    """How many frames up from the caller the first one is that is not of this package: who has given the schema."""
    frame, level = inspect.currentframe(), 0
    while frame and frame.f_globals.get("__name__", "").partition(".")[0] == __name__.partition(".")[0]:
        frame, level = frame.f_back, level + 1
    return level
