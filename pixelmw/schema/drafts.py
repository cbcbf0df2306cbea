"""The drafts of JSON Schema: which keywords each one has, and where two drafts give one keyword different meanings."""

from __future__ import annotations

from dataclasses import dataclass

_DRAFT_4 = frozenset(
    [
        "$ref", "additionalItems", "additionalProperties", "allOf", "anyOf", "dependencies", "enum", "items",
        "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum",
        "multipleOf", "not", "oneOf", "pattern", "patternProperties", "properties", "required", "type", "uniqueItems",
    ]
)  # fmt: skip
_DRAFT_6 = _DRAFT_4 | {"const", "contains", "exclusiveMaximum", "exclusiveMinimum", "propertyNames"}
_DRAFT_7 = _DRAFT_6 | {"if"}
_DRAFT_2019 = (_DRAFT_7 - {"dependencies"}) | {
    "$recursiveRef", "dependentRequired", "dependentSchemas", "unevaluatedItems", "unevaluatedProperties"
}  # fmt: skip
_DRAFT_2020 = (_DRAFT_2019 - {"$recursiveRef", "additionalItems"}) | {"$dynamicRef", "prefixItems"}


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft of JSON Schema.

    :ivar keywords: the keywords that a value may break. A keyword that is read only with another one (``then``,
        ``minContains``) is not among them, nor is ``format``, which is an annotation here.
    :ivar ref_hides_siblings: True if keywords beside a ``$ref`` are ignored.
    :ivar integer_by_spelling: True if 1.0 is no integer.
    :ivar bounds_by_flag: True if ``exclusiveMinimum`` is ``true`` or ``false`` and changes the meaning of ``minimum``.
    :ivar items_may_be_array: True if ``items`` may be an array of schemas for the first items.
    :ivar counts_contained: True if there are ``minContains`` and ``maxContains``.
    """

    keywords: frozenset[str]
    ref_hides_siblings: bool = False
    integer_by_spelling: bool = False
    bounds_by_flag: bool = False
    items_may_be_array: bool = True
    counts_contained: bool = False


#: By the name that referencing has for the draft's specification.
DRAFTS = {
    "draft-04": Draft(_DRAFT_4, ref_hides_siblings=True, integer_by_spelling=True, bounds_by_flag=True),
    "draft-06": Draft(_DRAFT_6, ref_hides_siblings=True),
    "draft-07": Draft(_DRAFT_7, ref_hides_siblings=True),
    "draft2019-09": Draft(_DRAFT_2019, counts_contained=True),
    "draft2020-12": Draft(_DRAFT_2020, items_may_be_array=False, counts_contained=True),
}
