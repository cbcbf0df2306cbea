"""Finds the properties that a plan does not name, at any depth of it that lists properties.

1. A place lists properties if a schema that may apply there has ``properties``. ``allOf``, references, and every
   alternative and branch count, whatever the event.
2. A name is planned if one of these schemas has it in ``properties``, ``required``, ``dependentRequired`` or
   ``dependentSchemas``, if it matches one of ``patternProperties``, or if ``additionalProperties`` or
   ``unevaluatedProperties`` has a schema that says something. ``true`` names nothing.
3. Of what is unplanned, the topmost is reported, and not looked into.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..compiled import Memory, Node, Path
from .nearest import NearestName

# The keywords that apply schemas to the properties of an object, and to the items of a list.
_TO_PARTS = ("properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "prefixItems", "items",
             "additionalItems")  # fmt: skip
# The keywords that apply some of their schemas to the value itself.
_CHOOSING = ("anyOf", "oneOf", "dependentSchemas", "dependencies")
# Names that match different sets of patterns could make as many listings as there are sets.
_MAX_KEPT = 10_000
# An event does not grow by more than a request may hold by default.
_MAX_OMITTED_CHARACTERS = 32_768
_Nodes = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """What schemas that may apply to one value say about the names of its properties.

    :ivar nodes: those schemas, and all that they may apply to the value itself.
    :ivar names: the names that are planned by name.
    :ivar listed_by: one of the schemas that lists properties; ``None`` if there is none.
    :ivar nearest: finds the nearest planned name.
    """

    nodes: _Nodes
    names: frozenset[str]
    listed_by: Node | None
    nearest: NearestName

    def parts(self, value: Any, memory: Memory) -> tuple[dict[str | int, list[Node]], set[str | int]]:
        """The schemas that may apply to each part of *value*, by name or index; and what is planned by a pattern."""
        schemas: dict[str | int, list[Node]] = {}
        by_pattern: set[str | int] = set()
        for rule in (rule for node in self.nodes for rule in node.rules if rule.keyword in _TO_PARTS and rule.parts):
            for (segment, *_), _, node in rule.parts(value, memory) if rule.parts else ():
                schemas.setdefault(segment, []).append(node)
                if rule.keyword == "patternProperties" or not node.is_true:
                    by_pattern.add(segment)
        return schemas, by_pattern


@dataclass(frozen=True, slots=True)
class Unplanned:
    """A property that the plan does not name.

    :ivar path: the names and indexes that lead to it.
    :ivar listing: the names that are planned beside it.
    """

    path: Path
    listing: Listing


class PlannedNames:
    """The names that the compiled schemas of a plan have; what is found out about a schema is kept."""

    def __init__(self) -> None:
        self._listings: dict[_Nodes, Listing] = {}

    def strip(self, nodes: Iterable[Node], value: Any, path: Path, memory: Memory, found: list[Unplanned]) -> Any:
        """Return *value* without its unplanned properties; what came in is not changed.

        :param nodes: the schemas that apply to the value.
        :param path: the names that lead to it in its event.
        :param found: gets the unplanned properties, in the order of their names.
        """
        if type(value) is not dict and type(value) is not list:
            return value
        listing = self.listing(tuple(nodes))
        schemas, by_pattern = listing.parts(value, memory)
        result: Any = value
        for segment in sorted(value) if type(value) is dict else range(len(value)):
            child = value[segment]
            if listing.listed_by and type(segment) is str and segment not in listing.names | by_pattern:
                found.append(Unplanned((*path, segment), listing))
                result = value.copy() if result is value else result
                del result[segment]
            elif segment in schemas:
                stripped = self.strip(schemas[segment], child, (*path, segment), memory, found)
                if stripped is not child:
                    result = value.copy() if result is value else result
                    result[segment] = stripped
        return result

    def below(self, node: Node, value: Any, names: Iterable[str], memory: Memory) -> list[Node]:
        """The schemas that *node*, which applies to *value*, has for the part that *names* lead to."""
        nodes = [node]
        for name in names:
            if type(value) is not dict or name not in value:
                return []
            nodes = self.listing(tuple(nodes)).parts(value, memory)[0].get(name, [])
            value = value[name]
        return nodes

    def listing(self, nodes: _Nodes) -> Listing:
        """What *nodes*, which apply to one value, say about the names of its properties."""
        listing = self._listings.get(nodes)
        if listing is None:
            listing = _listing(tuple(_may_apply(nodes)))
            if len(self._listings) < _MAX_KEPT:
                self._listings[nodes] = listing
        return listing


def _listing(nodes: _Nodes) -> Listing:
    names: set[str] = set()
    listed_by = None
    for node, rule in ((each, rule) for each in nodes for rule in each.rules):
        if rule.keyword in ("required", "properties", "dependentSchemas", "dependentRequired", "dependencies"):
            names.update(rule.value)
        if rule.keyword in ("dependentRequired", "dependencies"):
            names.update(*(each for each in rule.value.values() if isinstance(each, list)))
        if rule.keyword == "properties" and listed_by is None:
            listed_by = node
    return Listing(nodes, frozenset(names), listed_by, NearestName(names))


def _may_apply(roots: _Nodes) -> Iterable[Node]:
    """*roots*, and each schema that may apply to the same value, whatever the value is; each once."""
    seen: dict[Node, None] = {}
    waiting = list(reversed(roots))
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen[node] = None
            for rule in reversed(node.rules):
                inner = rule.nodes if rule.keyword in _CHOOSING else ()
                waiting += reversed([*rule.applied, *inner, *filter(None, rule.branches or ())])
    return seen


def bounded_names(names: list[str]) -> list[str]:
    """The first of *names*; if they are too long for an event to carry, the last one says how many more there are."""
    kept: list[str] = []
    characters = 0
    for name in names:
        characters += len(name)
        if characters > _MAX_OMITTED_CHARACTERS:
            return [*kept, f"and {len(names) - len(kept)} more"]
        kept.append(name)
    return kept
