"""Judges values by a compiled schema, which proves the ordinary ones valid and leaves every doubt to jsonschema.

A value that is proved valid costs no more than its own size. Of one that is
not, the parts in doubt are found, and jsonschema, which alone says no and has
the words of a refusal, is asked about these parts only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import ValidationError

from .keywords import SIMPLE_KEYWORDS, Check, every, items, properties, some
from .load import DRAFT_2020_12
from .located import LocatedSchema, reachable_schemas

Path = tuple[str | int, ...]
#: Says of a value at a path what jsonschema finds wrong with it, and where it was asked.
Explain = Callable[[Any, Path], Iterator[tuple[Path, ValidationError]]]

# What these say depends on the way that led to them, so that no part of such a schema can be judged alone.
_ONLY_AS_A_WHOLE = {"$dynamicRef", "$recursiveRef", "unevaluatedItems", "unevaluatedProperties"}
# What jsonschema reads together with a keyword.
_COMPANIONS = {
    "if": ("then", "else"),
    "contains": ("minContains", "maxContains"),
    "additionalProperties": ("properties", "patternProperties"),
    "items": ("prefixItems",),
}


@dataclass(frozen=True, slots=True)
class _Part:
    """One keyword: its check, and who explains what fails the check."""

    holds: Check
    explain: Explain


class _Node:
    """One schema, as the parts that its keywords make."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        # Until the parts are known: a schema may contain itself.
        self.holds: Check = lambda value: self.holds(value)

    def fill(self, parts: list[_Part]) -> None:
        self.parts = parts
        self.holds = every([part.holds for part in parts])

    def explain(self, value: Any, path: Path) -> Iterator[tuple[Path, ValidationError]]:
        for part in self.parts:
            if not part.holds(value):
                yield from part.explain(value, path)


class CompiledSchema:
    """A compiled schema; safe to share between threads.

    :param root: a checked schema.
    :param validator: jsonschema's validator for it.
    """

    def __init__(self, root: LocatedSchema, validator: Any) -> None:
        self._validator = validator
        self._nodes: dict[int, _Node] = {}
        in_parts = all(
            not _ONLY_AS_A_WHOLE & part.schema.keys() and part.schema.get("$schema", DRAFT_2020_12) == DRAFT_2020_12
            for part in reachable_schemas(root)
        )
        self._root = self._node(root) if in_parts else _Node()
        if not in_parts:
            self._root.fill([_Part(lambda value: False, self._ask(root.schema, root))])
        #: Whether a value is valid for certain.
        self.holds = self._root.holds

    def errors(self, value: Any) -> Iterator[tuple[Path, ValidationError]]:
        """What jsonschema finds wrong with *value*, each with the path to the part that it was asked about."""
        return self._root.explain(value, ())

    def _node(self, located: LocatedSchema) -> _Node:
        node = self._nodes.get(id(located.schema))
        if node is None:
            node = self._nodes[id(located.schema)] = _Node()
            node.fill(list(self._parts(located)))
        return node

    def _parts(self, located: LocatedSchema) -> Iterator[_Part]:
        schema = located.schema
        if isinstance(schema, bool):
            yield _Part(lambda value: schema, self._ask(schema, located))
            return
        for keyword, limit in schema.items():
            if keyword not in self._validator.VALIDATORS or keyword == "format":  # formats are annotations
                continue
            alone = {name: schema[name] for name in (keyword, *_COMPANIONS.get(keyword, ())) if name in schema}
            # With company, its own errors are left to its own part; "if" does not sign its errors, and has none.
            ask = self._ask(alone, located, keyword if len(alone) > 1 and keyword != "if" else None)
            if keyword in SIMPLE_KEYWORDS:
                yield _Part(SIMPLE_KEYWORDS[keyword](limit), ask)
            elif keyword == "$ref":
                yield from (_Part(node.holds, node.explain) for node in map(self._node, located.referenced()))
            elif keyword == "allOf":
                yield from (_Part(node.holds, node.explain) for node in self._children(located, limit))
            elif keyword == "anyOf":
                yield _Part(some([node.holds for node in self._children(located, limit)]), ask)
            elif keyword == "properties":
                yield _properties_part(dict(zip(limit, self._children(located, limit.values()), strict=True)), ask)
            elif keyword == "items" and limit is not False:
                (node,) = self._children(located, [limit])
                yield _items_part(node, len(schema.get("prefixItems", ())), ask)
            else:
                yield _Part(_nothing_from(ask), ask)

    def _children(self, located: LocatedSchema, schemas: Iterable[Any]) -> list[_Node]:
        return [self._node(located.child(schema)) for schema in schemas]

    def _ask(self, schema: Any, located: LocatedSchema, keyword: str | None = None) -> Explain:
        """Leave *schema*, or what *keyword* says in it, to jsonschema."""

        def explain(value: Any, path: Path) -> Iterator[tuple[Path, ValidationError]]:
            for error in self._validator.descend(value, schema, resolver=located.resolver):
                if keyword is None or error.relative_schema_path[0] == keyword:
                    yield path, error

        return explain


def _nothing_from(ask: Explain) -> Check:
    return lambda value: next(ask(value, ()), None) is None


def _properties_part(nodes: dict[str, _Node], ask: Explain) -> _Part:
    def explain(value: Any, path: Path) -> Iterator[tuple[Path, ValidationError]]:
        if type(value) is not dict:
            yield from ask(value, path)
            return
        for name, child in value.items():
            if name in nodes and not nodes[name].holds(child):
                yield from nodes[name].explain(child, (*path, name))

    return _Part(properties({name: node.holds for name, node in nodes.items()}), explain)


def _items_part(node: _Node, skipped: int, ask: Explain) -> _Part:
    def explain(value: Any, path: Path) -> Iterator[tuple[Path, ValidationError]]:
        if type(value) is not list:
            yield from ask(value, path)
            return
        for index, child in enumerate(value[skipped:], skipped):
            if not node.holds(child):
                yield from node.explain(child, (*path, index))

    return _Part(items(node.holds, skipped), explain)
