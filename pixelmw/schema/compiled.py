"""Validates values with compiled checks, and asks jsonschema only about the keywords that a value may break.

The checks of a schema can only prove that a value is valid. That costs no more
than the size of the value. If a check cannot prove it, jsonschema is asked
about that keyword at that place, and about nothing else. Only jsonschema
decides that a value is invalid, and the refusal is made from its errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import ValidationError

from .keywords import SIMPLE_KEYWORDS, Check, all_hold, any_holds, items, properties
from .load import DRAFT_2020_12
from .located import LocatedSchema, reachable_schemas

#: The property names and list indexes that lead to a value in an event.
Path = tuple[str | int, ...]
#: Takes a value and its path. Yields jsonschema's errors, each with the path of the value that jsonschema was given.
Explain = Callable[[Any, Path], Iterator[tuple[Path, ValidationError]]]

# The meaning of these depends on the schemas around them, or on the references that led to them. So a schema with one
# of these cannot be checked keyword by keyword.
_NEEDS_WHOLE_SCHEMA = {"$dynamicRef", "$recursiveRef", "unevaluatedItems", "unevaluatedProperties"}
# Keyword -> the keywords beside it that jsonschema reads along with it.
_READ_TOGETHER = {
    "if": ("then", "else"),
    "contains": ("minContains", "maxContains"),
    "additionalProperties": ("properties", "patternProperties"),
    "items": ("prefixItems",),
}


@dataclass(frozen=True, slots=True)
class _KeywordCheck:
    """The check of one keyword, and the errors of a value that does not pass it."""

    holds: Check
    explain: Explain


class _SchemaNode:
    """One schema: the checks of its keywords."""

    def __init__(self) -> None:
        self.keyword_checks: list[_KeywordCheck] = []
        # A schema may contain itself. Its check is then asked for before it is known, so this looks it up when called.
        self.holds: Check = lambda value: self.holds(value)

    def fill(self, keyword_checks: list[_KeywordCheck]) -> None:
        """Set the checks, which may lead back to this node."""
        self.keyword_checks = keyword_checks
        self.holds = all_hold([each.holds for each in keyword_checks])

    def explain(self, value: Any, path: Path) -> Iterator[tuple[Path, ValidationError]]:
        """The errors of *value*, see :data:`Explain`."""
        for each in self.keyword_checks:
            if not each.holds(value):
                yield from each.explain(value, path)


class CompiledSchema:
    """A compiled schema; safe to share between threads.

    :param root: a schema that :func:`pixelmw.schema.load.load_schema` has checked.
    :param validator: jsonschema's validator for it.
    """

    def __init__(self, root: LocatedSchema, validator: Any) -> None:
        self._validator = validator
        self._nodes: dict[int, _SchemaNode] = {}
        by_keyword = all(
            not _NEEDS_WHOLE_SCHEMA & located.schema.keys()
            and located.schema.get("$schema", DRAFT_2020_12) == DRAFT_2020_12
            for located in reachable_schemas(root)
        )
        self._root = self._node(root) if by_keyword else _SchemaNode()
        if not by_keyword:
            self._root.fill([_KeywordCheck(lambda value: False, self._ask_jsonschema(root.schema, root))])
        #: Returns True if a value is proved valid; if not, :meth:`errors` decides.
        self.is_certainly_valid = self._root.holds

    def errors(self, value: Any) -> Iterator[tuple[Path, ValidationError]]:
        """jsonschema's errors for *value*, each with the path of the inner value that jsonschema was given.

        A value without errors is valid.
        """
        return self._root.explain(value, ())

    def _node(self, located: LocatedSchema) -> _SchemaNode:
        node = self._nodes.get(id(located.schema))
        if node is None:
            node = self._nodes[id(located.schema)] = _SchemaNode()
            node.fill(list(self._keyword_checks(located)))
        return node

    def _keyword_checks(self, located: LocatedSchema) -> Iterator[_KeywordCheck]:
        schema = located.schema
        if isinstance(schema, bool):
            yield _KeywordCheck(lambda value: schema, self._ask_jsonschema(schema, located))
            return
        for keyword, keyword_value in schema.items():
            if keyword not in self._validator.VALIDATORS or keyword == "format":  # formats are annotations
                continue
            names = (keyword, *_READ_TOGETHER.get(keyword, ()))
            excerpt = {name: schema[name] for name in names if name in schema}
            # An excerpt may hold a second keyword, whose errors are reported by its own check. So only errors of this
            # keyword count. "if" is different: the errors that it finds name "then" or "else", which have no checks.
            only = keyword if len(excerpt) > 1 and keyword != "if" else None
            ask = self._ask_jsonschema(excerpt, located, only)
            if keyword in SIMPLE_KEYWORDS:
                yield _KeywordCheck(SIMPLE_KEYWORDS[keyword](keyword_value), ask)
            elif keyword == "$ref":
                yield from (_KeywordCheck(node.holds, node.explain) for node in map(self._node, located.referenced()))
            elif keyword == "allOf":
                yield from (_KeywordCheck(node.holds, node.explain) for node in self._children(located, keyword_value))
            elif keyword == "anyOf":
                nodes = self._children(located, keyword_value)
                yield _KeywordCheck(any_holds([node.holds for node in nodes]), ask)
            elif keyword == "properties":
                nodes = self._children(located, keyword_value.values())
                yield _properties_check(dict(zip(keyword_value, nodes, strict=True)), ask)
            elif keyword == "items" and keyword_value is not False:
                (node,) = self._children(located, [keyword_value])
                yield _items_check(node, len(schema.get("prefixItems", ())), ask)
            else:
                yield _KeywordCheck(_finds_nothing(ask), ask)

    def _children(self, located: LocatedSchema, schemas: Iterable[Any]) -> list[_SchemaNode]:
        return [self._node(located.child(schema)) for schema in schemas]

    def _ask_jsonschema(self, schema: Any, located: LocatedSchema, only: str | None = None) -> Explain:
        """Have jsonschema validate by *schema*; with *only*, report the errors of that keyword and no others."""

        def explain(value: Any, path: Path) -> Iterator[tuple[Path, ValidationError]]:
            for error in self._validator.descend(value, schema, resolver=located.resolver):
                _cut_circles(error)
                if only is None or error.relative_schema_path[0] == only:
                    yield path, error

        return explain


def _cut_circles(error: ValidationError) -> None:
    """Take the way back from the errors within *error*: with it, all would stay until the collector of cycles runs."""
    for inner in error.context or ():
        inner.parent = None
        _cut_circles(inner)


def _finds_nothing(ask: Explain) -> Check:
    return lambda value: next(ask(value, ()), None) is None


def _properties_check(nodes: dict[str, _SchemaNode], ask: Explain) -> _KeywordCheck:
    def explain(value: Any, path: Path) -> Iterator[tuple[Path, ValidationError]]:
        if type(value) is not dict:
            yield from ask(value, path)
            return
        for name, child in value.items():
            if name in nodes and not nodes[name].holds(child):
                yield from nodes[name].explain(child, (*path, name))

    return _KeywordCheck(properties({name: node.holds for name, node in nodes.items()}), explain)


def _items_check(node: _SchemaNode, skipped: int, ask: Explain) -> _KeywordCheck:
    def explain(value: Any, path: Path) -> Iterator[tuple[Path, ValidationError]]:
        if type(value) is not list:
            yield from ask(value, path)
            return
        for index, child in enumerate(value[skipped:], skipped):
            if not node.holds(child):
                yield from node.explain(child, (*path, index))

    return _KeywordCheck(items(node.holds, skipped), explain)
