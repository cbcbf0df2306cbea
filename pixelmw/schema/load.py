"""Loads a JSON Schema, and refuses at once what would fail, hang or go out to the network later."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jsonschema import SchemaError, validators
from jsonschema.protocols import Validator
from jsonschema_specifications import REGISTRY
from referencing import Registry, Specification
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT4, DRAFT6, DRAFT7, specification_with

from ..events import EVENT_TYPES
from .backtracking import is_exponential

if TYPE_CHECKING:
    from referencing._core import Resolver

DRAFT_2020_12 = "https://json-schema.org/draft/2020-12/schema"
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


@dataclass(frozen=True, slots=True)
class LocatedSchema:
    """A schema and the place it stands in, which is what its references are relative to."""

    schema: Any
    resolver: Resolver[Any]
    specification: Specification[Any]

    def child(self, schema: Any) -> LocatedSchema:
        """A subschema of this schema."""
        resource = self.specification.create_resource(schema)
        return LocatedSchema(schema, self.resolver.in_subresource(resource), self.specification)

    def children(self) -> Iterator[LocatedSchema]:
        """Every subschema that stands in this schema."""
        for resource in self.specification.create_resource(self.schema).subresources():
            yield self.child(resource.contents)

    def referenced(self, keyword: str = "$ref") -> Iterator[LocatedSchema]:
        """What the reference in *keyword* leads to; nothing where there is no reference.

        :raises Unresolvable: where it leads to nothing that is at hand.
        """
        if isinstance(self.schema.get(keyword), str):
            try:
                resolved = self.resolver.lookup(self.schema[keyword])
            except (Unresolvable, ValueError):  # which may name a part of the reference, or none of it
                raise Unresolvable(self.schema[keyword]) from None
            yield LocatedSchema(resolved.contents, resolved.resolver, self.specification)

    @property
    def ref_hides_siblings(self) -> bool:
        """Whether the keywords beside a ``$ref`` mean nothing, as they did up to draft 7."""
        return "$ref" in self.schema and self.specification in (DRAFT4, DRAFT6, DRAFT7)


def bundled_schema(name: str) -> dict[str, Any]:
    """The schema that the package has for an event type, or for what they have in ``common``."""
    text = files("pixelmw").joinpath("schema", "bundled", f"{name}.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def _registry() -> Registry[Any]:
    """The bundled schemas and the metaschemas, and nothing that could fetch another."""
    schemas = [bundled_schema(name) for name in ("common", *EVENT_TYPES)]
    registry: Registry[Any] = REGISTRY
    return registry.with_contents((schema["$id"], schema) for schema in schemas).crawl()


def load_schema(name: str, schema: Any) -> tuple[Validator, LocatedSchema]:
    """Check *schema* and make it ready for use.

    :param name: what to call it in an error.
    :param schema: a JSON Schema as a dict; a copy of it is kept.
    :returns: a validator that fetches nothing, and the schema in its place.
    :raises TypeError: where it is not a dict.
    :raises ValueError: where it is not a JSON Schema, has a reference that
        leads outside of it and of the bundled schemas, refers to itself in a
        circle, or holds a pattern that takes exponential time.
    """
    if not isinstance(schema, dict):
        raise TypeError(f"{name} is {schema!r:.100}: a schema is a dict")
    try:
        schema = json.loads(json.dumps(schema, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}") from None
    dialect = schema.get("$schema", DRAFT_2020_12)
    validator_class = _validator_class(dialect)
    if validator_class is None:
        raise ValueError(f"{name} is in the unsupported dialect {dialect!r}; without $schema it is {DRAFT_2020_12!r}")
    try:
        _check_schema(name, validator_class, schema)
        specification = specification_with(dialect)
        root = specification.create_resource(schema)
        located = LocatedSchema(schema, _registry().resolver_with_root(root), specification)
        _check_parts(name, located, validator_class)
    except RecursionError:
        raise ValueError(f"{name} nests too deep to be held against an event") from None
    return validator_class(schema, registry=_registry()), located


def _validator_class(dialect: Any) -> type[Validator] | None:
    if not isinstance(dialect, str):
        return None
    try:
        found = validators.validator_for({"$schema": dialect}, default=validators.Draft3Validator)
    except ValueError:  # it is no URI
        return None
    # Draft 3 stands for what is unknown, too: neither has rules that coercion could follow.
    return None if found is validators.Draft3Validator else found


def _check_schema(name: str, validator_class: type[Validator], schema: Any) -> None:
    try:
        validator_class.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"{name} is not a JSON Schema: at {error.json_path}, {error.message:.200}") from None


def located_parts(root: LocatedSchema, check: Callable[[Any], object] = lambda target: None) -> Iterator[LocatedSchema]:
    """Every schema that can be reached from *root*, itself included, each once; those that are dicts.

    :raises Unresolvable: for a reference that leads to nothing that is at hand.
    """
    seen = set()
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if id(part.schema) not in seen and isinstance(part.schema, dict):  # true and false are schemas too
            seen.add(id(part.schema))
            yield part
            waiting += part.children()
            for keyword in _REFERENCES:
                for target in part.referenced(keyword):
                    if id(target.schema) not in seen:
                        check(target.schema)  # it may stand where no metaschema has looked
                    waiting.append(target)


def _check_parts(name: str, root: LocatedSchema, validator_class: type[Validator]) -> None:
    """Visit every schema that can be reached from *root*, and refuse what would go wrong at run time."""
    judges: dict[int, list[int]] = {}  # id of a schema -> ids of those that judge the same instance for it
    try:
        parts = list(located_parts(root, lambda target: _check_schema(name, validator_class, target)))
        for part in parts:
            for pattern in [part.schema.get("pattern"), *part.schema.get("patternProperties", ())]:
                if isinstance(pattern, str):
                    _check_pattern(name, pattern)
            judges[id(part.schema)] = [id(schema) for schema in (*_in_place(part), *_dynamic_targets(part, parts))]
        TopologicalSorter(judges).prepare()
    except Unresolvable as error:
        raise ValueError(
            f"{name} has a reference to {error.ref!r}, which is neither in it nor among the bundled schemas "
            "(urn:pixelmw:track and so on); nothing is ever fetched: put the schema under $defs"
        ) from None
    except CycleError:
        raise ValueError(f"{name} refers to itself in a circle: a $ref leads back to where it stands") from None


def _check_pattern(name: str, pattern: str) -> None:
    try:
        exponential = is_exponential(pattern)
    except re.error as error:  # the metaschema of draft 4 does not look at those of patternProperties
        raise ValueError(f"{name} has the pattern {pattern!r}, which is none: {error}") from None
    if exponential:
        raise ValueError(f"{name} has the pattern {pattern!r}, which takes exponential time on some strings")


def _dynamic_targets(part: LocatedSchema, parts: list[LocatedSchema]) -> Iterator[Any]:
    """All that a dynamic reference may lead to: which one it is depends on the way to it."""
    anchor = str(part.schema.get("$dynamicRef", "")).partition("#")[2]
    for other in parts:
        if (anchor and other.schema.get("$dynamicAnchor") == anchor) or (
            "$recursiveRef" in part.schema and other.schema.get("$recursiveAnchor") is True
        ):
            yield other.schema


def _in_place(part: LocatedSchema) -> Iterator[Any]:
    """The schemas that judge the very instance that *part* judges."""
    for keyword in _REFERENCES:
        yield from (target.schema for target in part.referenced(keyword))
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield from part.schema.get(keyword, ())
    for keyword in ("not", "if", "then", "else"):
        if keyword in part.schema:
            yield part.schema[keyword]
    for keyword in ("dependentSchemas", "dependencies"):  # up to draft 7; of a name, it may hold a list of names
        yield from part.schema.get(keyword, {}).values()
