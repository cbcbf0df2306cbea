"""Compiles a schema: makes the graph of nodes and rules that :mod:`pixelmw.schema.compiled.node` describes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..located import LocatedSchema, reachable_schemas
from ..patterns import Pattern, Patterns
from . import combining, lists, objects, unevaluated
from .keywords import SIMPLE_KEYWORDS, type_check
from .node import Node, Rule
from .searches import name_search, pattern_check

_DYNAMIC = {"$dynamicRef", "$dynamicAnchor", "$recursiveRef"}

# So many schemas may lead to one another. jsonschema can hardly check more of them within each other. At the
# interpreter's own limit of recursion, a library that it stands on raises what is no Exception.
_MAX_NESTING = 100


class Compiler:
    """Makes the nodes of a schema, each once.

    :param root: a schema that :func:`pixelmw.schema.load.load_schema` has checked.
    :param patterns: the patterns in it.
    """

    def __init__(self, root: LocatedSchema, patterns: Patterns) -> None:
        self._patterns = patterns
        self._is_dynamic = any(_DYNAMIC & located.schema.keys() for located in reachable_schemas(root))
        self._depth = 0
        self._nodes: dict[Any, Node] = {}
        self._shared: set[Any] = set()
        self.node(root)
        # Which schemas are used in several places is known when all are compiled. Their checks remember, so whatever
        # asks them is compiled once more.
        self._nodes = {}
        self.root = self.node(root)

    @property
    def nodes(self) -> Iterable[Node]:
        """The nodes of all schemas that were reached."""
        return self._nodes.values()

    def key(self, located: LocatedSchema) -> Any:
        """Tells one schema from others, and from itself where a dynamic reference in it leads elsewhere."""
        scope = located.scope if self._is_dynamic else ()
        return id(located.schema), located.specification.name, scope

    def node(self, located: LocatedSchema) -> Node:
        """The node of a schema; it may not be filled yet.

        :raises RecursionError: if the schema is nested too deep.
        """
        key = self.key(located)
        node = self._nodes.get(key)
        if node is None:
            if self._depth == _MAX_NESTING:
                raise RecursionError
            self._depth += 1
            node = self._nodes[key] = Node(located.schema)
            node.fill(self._rules(located), key in self._shared)
            self._depth -= 1
        elif not isinstance(located.schema, bool):
            self._shared.add(key)
        return node

    def _rules(self, located: LocatedSchema) -> list[Rule]:
        schema = located.schema
        if isinstance(schema, bool):
            return [] if schema else [Rule(keyword="false", value=False, holds=lambda value, memory: False)]
        keywords = ["$ref"] if located.ref_hides_siblings else list(schema)
        rules = [rule for keyword in keywords for rule in self._rules_of(keyword, located)]
        for keyword, make in (
            ("unevaluatedItems", unevaluated.unevaluated_items),
            ("unevaluatedProperties", unevaluated.unevaluated_properties),
        ):
            if keyword in keywords and keyword in located.draft.keywords:
                rules.append(make(schema[keyword], list(rules), self.child(located, schema[keyword])))
        return rules

    def _rules_of(self, keyword: str, located: LocatedSchema) -> Iterator[Rule]:
        value = located.schema[keyword]
        if keyword not in located.draft.keywords:
            return
        if keyword in _MAKERS:
            yield from _MAKERS[keyword](self, located, value)
        elif keyword in SIMPLE_KEYWORDS:
            yield Rule(keyword=keyword, value=value, holds=SIMPLE_KEYWORDS[keyword](value))

    def pattern(self, text: str) -> Pattern:
        """One of the schema's patterns."""
        return self._patterns.get(text)

    def name_search(self, pattern: str) -> Callable[[str], object]:
        """What searches a property's name for *pattern*; it returns ``None`` if there is no match."""
        return name_search(self._patterns.get(pattern))

    def child(self, located: LocatedSchema, schema: Any) -> Node:
        """The node of *schema*, which stands inside *located*."""
        return self.node(located.child(schema))

    def children(self, located: LocatedSchema, schemas: Iterable[Any]) -> list[Node]:
        """The nodes of *schemas*, which stand inside *located*."""
        return [self.child(located, schema) for schema in schemas]

    def by_name(self, located: LocatedSchema, schemas: dict[str, Any]) -> dict[str, Node]:
        """The nodes of *schemas*, which stand inside *located*, by the names that they have there."""
        return {name: self.child(located, schema) for name, schema in schemas.items()}


#: Makes the rules of a keyword from the compiler, the schema that the keyword stands in, and the keyword's value.
_Maker = Callable[[Compiler, LocatedSchema, Any], Iterable[Rule]]


def _type(compiler: Compiler, located: LocatedSchema, value: Any) -> Iterable[Rule]:
    yield Rule(keyword="type", value=value, holds=type_check(value, located.draft))


def _pattern(compiler: Compiler, located: LocatedSchema, value: Any) -> Iterable[Rule]:
    yield Rule(keyword="pattern", value=value, holds=pattern_check(compiler.pattern(value)))


def _bound(keyword: str, exclusive: str) -> _Maker:
    def rules(compiler: Compiler, located: LocatedSchema, value: Any) -> Iterable[Rule]:
        means = exclusive if located.draft.bounds_by_flag and located.schema.get(exclusive) else keyword
        yield Rule(keyword=keyword, value=value, holds=SIMPLE_KEYWORDS[means](value), worded_as=means)

    return rules


def _reference(keyword: str) -> _Maker:
    def rules(compiler: Compiler, located: LocatedSchema, value: Any) -> Iterable[Rule]:
        yield combining.applied(value, keyword, [compiler.node(target) for target in located.referenced(keyword)])

    return rules


def _if(compiler: Compiler, located: LocatedSchema, value: Any) -> Iterable[Rule]:
    branches = (
        compiler.child(located, located.schema[name]) if name in located.schema else None for name in ("then", "else")
    )
    yield combining.condition(value, compiler.child(located, value), *branches)


def _pattern_properties(compiler: Compiler, located: LocatedSchema, value: Any) -> Iterable[Rule]:
    nodes = compiler.children(located, value.values())
    yield objects.pattern_properties(value, list(zip(map(compiler.name_search, value), nodes, strict=True)))


def _additional_properties(compiler: Compiler, located: LocatedSchema, value: Any) -> Iterable[Rule]:
    known = frozenset(located.schema.get("properties", ()))
    searches = [compiler.name_search(pattern) for pattern in located.schema.get("patternProperties", ())]
    yield objects.additional_properties(value, known, searches, compiler.child(located, value))


def _dependencies(compiler: Compiler, located: LocatedSchema, value: Any) -> Iterable[Rule]:
    lists_of_names = {name: needed for name, needed in value.items() if isinstance(needed, list)}
    schemas = {name: schema for name, schema in value.items() if name not in lists_of_names}
    if lists_of_names:
        yield objects.dependent_required(lists_of_names, "dependencies")
    if schemas:
        yield objects.dependent_schemas(schemas, "dependencies", compiler.by_name(located, schemas))


def _items(compiler: Compiler, located: LocatedSchema, value: Any) -> Iterable[Rule]:
    if located.draft.items_may_be_array and isinstance(value, list):
        yield lists.first_items(value, "items", compiler.children(located, value))
    else:
        skipped = 0 if located.draft.items_may_be_array else len(located.schema.get("prefixItems", ()))
        yield lists.other_items(value, "items", skipped, compiler.child(located, value))


def _additional_items(compiler: Compiler, located: LocatedSchema, value: Any) -> Iterable[Rule]:
    firsts = located.schema.get("items")
    if isinstance(firsts, list):
        yield lists.other_items(value, "additionalItems", len(firsts), compiler.child(located, value))


def _contains(compiler: Compiler, located: LocatedSchema, value: Any) -> Iterable[Rule]:
    bounds = located.schema if located.draft.counts_contained else {}
    least, most = bounds.get("minContains", 1), bounds.get("maxContains")
    yield from lists.contains(value, compiler.child(located, value), least, most)


_MAKERS: dict[str, _Maker] = {
    "type": _type,
    "pattern": _pattern,
    "minimum": _bound("minimum", "exclusiveMinimum"),
    "maximum": _bound("maximum", "exclusiveMaximum"),
    "$ref": _reference("$ref"),
    "$dynamicRef": _reference("$dynamicRef"),
    "$recursiveRef": _reference("$recursiveRef"),
    "allOf": lambda compiler, located, value: [combining.applied(value, "allOf", compiler.children(located, value))],
    "anyOf": lambda compiler, located, value: [combining.any_of(value, compiler.children(located, value))],
    "oneOf": lambda compiler, located, value: [combining.one_of(value, compiler.children(located, value))],
    "not": lambda compiler, located, value: [combining.negation(value, compiler.child(located, value))],
    "if": _if,
    "properties": lambda compiler, located, value: [objects.properties(value, compiler.by_name(located, value))],
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "propertyNames": lambda compiler, located, value: [objects.property_names(value, compiler.child(located, value))],
    "dependentRequired": lambda compiler, located, value: [objects.dependent_required(value, "dependentRequired")],
    "dependentSchemas": lambda compiler, located, value: [
        objects.dependent_schemas(value, "dependentSchemas", compiler.by_name(located, value))
    ],
    "dependencies": _dependencies,
    "prefixItems": lambda compiler, located, value: [
        lists.first_items(value, "prefixItems", compiler.children(located, value))
    ],
    "items": _items,
    "additionalItems": _additional_items,
    "contains": _contains,
}
