"""Finds all that is wrong with an event, as RudderStack's validator lists it, within a bound.

1. Each violation is one error of ajv 8 with ``allErrors``: one for each missing name, one for each property too many.
2. They come in the order of ajv: by the type that a keyword is about, then by keyword; properties in the order of the
   schema. What ajv takes in the order of the event comes in the order of its names, since the order of a query's
   parameters must not matter.
3. Of a choice, the violations of its alternatives come first, then its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..compiled import Memory, Node, Path, Rule
from ..places import Place, escaped, places_of, pointer
from .violation_words import UNKNOWN, Violation, message_of, number, violation

# As many as the parameters that a request may hold by default, and twice their text.
_MAX_VIOLATIONS = 256
_MAX_CHARACTERS = 65_536
# So many more are counted, which takes as long as making them.
_MAX_COUNTED = 1024

_UNESCAPED = "!'()*"

# ajv's groups of keywords. A wrong type is said where the group of that type stands, if the schema has one of its
# keywords, and first if not.
_OF_TYPE = {
    "number": ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"),
    "string": ("maxLength", "minLength", "pattern"),
    "": ("const", "enum", "not", "anyOf", "oneOf", "allOf", "if"),
    "array": ("maxItems", "minItems", "uniqueItems", "prefixItems", "additionalItems", "items", "contains",
              "minContains", "maxContains", "unevaluatedItems"),
    "object": ("maxProperties", "minProperties", "required", "dependentRequired", "propertyNames",
               "additionalProperties", "dependencies", "properties", "patternProperties", "dependentSchemas",
               "unevaluatedProperties"),
}  # fmt: skip
_ORDER = ("$ref", "$dynamicRef", "$recursiveRef", "type", *(each for group in _OF_TYPE.values() for each in group))
_RANK = {keyword: rank for rank, keyword in enumerate(_ORDER)}


class Violations:
    """The violations of one event, as many of them as it should carry."""

    def __init__(self) -> None:
        self._kept: list[Violation] = []
        self._characters = self._more = 0

    def add(self, violations: Iterable[Violation]) -> None:
        """Add *violations*, or count them, if there are more than the event should carry."""
        for each in violations:
            self._characters += sum(map(len, (each["message"], each["property"], *each["meta"].values())))
            full = len(self._kept) == _MAX_VIOLATIONS or (self._kept and self._characters > _MAX_CHARACTERS)
            if not full and not self._more:
                self._kept.append(each)
            elif self._more < _MAX_COUNTED:
                self._more += 1
            else:
                break

    @property
    def at(self) -> set[tuple[str, str]]:
        """The properties that are missing or should not be there, each with the pointer of what has them."""
        return {(each["property"], each["meta"].get("instancePath", "")) for each in self._kept}

    def listed(self) -> list[Violation]:
        """The violations; if there are more than that, the last one says how many."""
        if not self._more:
            return self._kept
        at_least = "at least " if self._more == _MAX_COUNTED else ""
        words = f"and {at_least}{self._more} more violations"
        return [*self._kept, {"type": UNKNOWN, "message": words, "meta": {}, "property": ""}]


class ViolationFinder:
    """Finds the violations of one schema.

    :param root: the compiled schema.
    :param section: the names that lead to what it describes.
    """

    def __init__(self, root: Node, section: tuple[str, ...]) -> None:
        self._root = root
        self._section = section
        self._above = "#" + "".join(f"/properties/{segment}" for segment in section)
        self._places = places_of(root.schema)

    def find(self, value: Any, memory: Memory) -> Iterator[Violation]:
        """The violations of *value*, which is what the schema describes."""
        if not self._root.holds(value, memory):
            yield from self._of_node(_Place(self._root, value, self._section, self._above), memory)

    def knows(self, node: Node) -> bool:
        """True if *node* is a part of this schema."""
        return id(node.schema) in self._places

    def schema_path(self, node: Node, keyword: str) -> str:
        """The URI fragment of *keyword* in the schema of *node*, which is a part of this one."""
        return f"{self._above}{_fragment(self._places[id(node.schema)])}/{keyword}"

    def _of_node(self, place: _Place, memory: Memory) -> Iterator[Violation]:
        for rule in sorted(place.node.rules, key=lambda rule: _rank(place.node, rule)):
            if not rule.holds(place.value, memory) and not _is_said(place, rule, memory):
                for inner in self._inner(place, rule, memory):
                    yield from self._of_node(inner, memory)
                yield from self._own(place, rule, memory)

    def _inner(self, place: _Place, rule: Rule, memory: Memory) -> Iterator[_Place]:
        """What breaks the schemas that *rule* applies."""
        for segments, part, node in _parts(rule, place.value, memory):
            if not node.holds(part, memory):
                schema = self._schema_of(place, rule, node, segments)
                yield _Place(node, part, (*place.path, *segments), schema)

    def _schema_of(self, place: _Place, rule: Rule, node: Node, segments: Path) -> str:
        """The URI fragment of the schema of *node*, which *rule* applies."""
        if rule.keyword == "$ref" and rule.value.startswith("#"):
            return f"{self._above}{rule.value[1:]}"
        above, below = self._places.get(id(place.node.schema), ()), self._places.get(id(node.schema), ())
        if len(below) > len(above) and below[: len(above)] == above:
            return f"{place.schema}{_fragment(below[len(above) :])}"
        # True and False are the same anywhere.
        return f"{place.schema}{_fragment((rule.keyword, *(segments if rule.keyword == 'properties' else ())))}"

    def _own(self, place: _Place, rule: Rule, memory: Memory) -> Iterator[Violation]:
        """The violations of *rule* itself."""
        at, schema, value = pointer(place.path), f"{place.schema}/{rule.keyword}", place.value
        if rule.keyword in _OWN:
            yield from _OWN[rule.keyword](rule, value, at, schema, memory)
        elif rule.keyword == "propertyNames":
            for name in rule.culprits(value, memory) if rule.culprits else ():
                yield from self._of_node(_Place(rule.nodes[0], name, place.path, schema), memory)
                yield violation(rule.keyword, message_of(rule, value), at, schema)
        elif rule.keyword in ("contains", "minContains", "maxContains"):
            yield _contains(place, at)
        elif rule.keyword in ("items", "additionalItems") and rule.parts is None:
            yield from _too_many_items(place, rule, at, schema)
        elif rule.parts is None:
            keyword = "false schema" if rule.keyword == "false" else rule.keyword
            yield violation(rule.keyword, message_of(rule, value, place.node), at, f"{place.schema}/{keyword}")


@dataclass(frozen=True, slots=True)
class _Place:
    """A value, and a schema that it breaks.

    :ivar path: the names and indexes that lead to the value.
    :ivar schema: the URI fragment of the schema.
    """

    node: Node
    value: Any
    path: Path
    schema: str


def _rank(node: Node, rule: Rule) -> int:
    group = _OF_TYPE.get(rule.value, ()) if rule.keyword == "type" and isinstance(rule.value, str) else ()
    if any(keyword in node.schema for keyword in group):
        return _RANK[group[0]]
    return _RANK.get(rule.keyword, len(_ORDER))


def _parts(rule: Rule, value: Any, memory: Memory) -> Iterable[tuple[Path, Any, Node]]:
    """The parts of *value* that *rule* applies schemas to."""
    if rule.keyword in ("anyOf", "oneOf"):
        return [((), value, node) for node in rule.nodes]
    if rule.keyword in ("contains", "minContains", "maxContains"):
        return [((index,), item, rule.nodes[0]) for index, item in enumerate(value)]
    if rule.parts is None:
        return ()
    if rule.keyword == "properties" and type(value) is dict:
        return [((name,), value[name], node) for name, node in (rule.properties or {}).items() if name in value]
    parts = list(rule.parts(value, memory))
    return sorted(parts, key=lambda part: str(part[0])) if type(value) is dict else parts


def _required(rule: Rule, value: Any, at: str, schema: str, memory: Memory) -> Iterator[Violation]:
    for name in rule.value:
        if name not in value:
            yield violation("required", f"must have required property '{name}'", at, schema, name)


def _additional(rule: Rule, value: Any, at: str, schema: str, memory: Memory) -> Iterator[Violation]:
    words = rule.keyword.removesuffix("Properties")
    for name in rule.culprits(value, memory) if rule.culprits and rule.parts is None else ():
        yield violation(rule.keyword, f"must NOT have {words} properties '{name}'", at, schema, name)


def _dependent(rule: Rule, value: Any, at: str, schema: str, memory: Memory) -> Iterator[Violation]:
    for name, needed in rule.value.items() if rule.parts is None else ():
        words = f"{'property' if len(needed) == 1 else 'properties'} {', '.join(needed)}"
        for _ in [each for each in needed if each not in value] if name in value else ():
            yield violation(rule.keyword, f"must have {words} when property {name} is present", at, schema)


def _if(rule: Rule, value: Any, at: str, schema: str, memory: Memory) -> Iterator[Violation]:
    met = rule.branches is not None and rule.branches[0].holds(value, memory)
    yield violation("if", f'must match "{"then" if met else "else"}" schema', at, schema)


_OWN: dict[str, Callable[[Rule, Any, str, str, Memory], Iterator[Violation]]] = {
    "required": _required,
    "additionalProperties": _additional,
    "unevaluatedProperties": _additional,
    "dependentRequired": _dependent,
    "dependencies": _dependent,
    "if": _if,
}


def _is_said(place: _Place, rule: Rule, memory: Memory) -> bool:
    """True if ``contains`` says already what *rule* would."""
    return rule.keyword == "minContains" and any(
        each.keyword == "contains" and not each.holds(place.value, memory) for each in place.node.rules
    )


def _contains(place: _Place, at: str) -> Violation:
    """The one violation of ``contains``, ``minContains`` and ``maxContains``."""
    bounds = {each.keyword: number(each.value) for each in place.node.rules if each.keyword.endswith("Contains")}
    most = f" and no more than {bounds['maxContains']}" if "maxContains" in bounds else ""
    message = f"must contain at least {bounds.get('minContains', '1')}{most} valid item(s)"
    return violation("contains", message, at, f"{place.schema}/contains")


def _too_many_items(place: _Place, rule: Rule, at: str, schema: str) -> Iterator[Violation]:
    """The violations of items that the schema ``false`` is for."""
    firsts = place.node.schema.get("items" if rule.keyword == "additionalItems" else "prefixItems")
    if isinstance(firsts, list):
        yield violation(rule.keyword, f"must NOT have more than {len(firsts)} items", at, schema)
        return
    for index in range(len(place.value)):
        yield violation("false", "boolean schema is false", f"{at}/{index}", f"{schema}/false schema")


def _fragment(place: Place) -> str:
    """A place as ajv spells it in a URI fragment: with JavaScript's encodeURIComponent."""
    return "".join(f"/{quote(escaped(segment), safe=_UNESCAPED)}" for segment in place)
