"""Loads a JSON Schema, and refuses at construction what would fail, hang or use the network at a request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from jsonschema import FormatChecker, SchemaError, validators
from referencing.exceptions import Unresolvable
from referencing.jsonschema import specification_with

from .compiled import Compiler, Node
from .located import REFERENCE_KEYWORDS, LocatedSchema, reachable_schemas
from .patterns import PatternError, Patterns
from .places import Place, parts_of
from .registry import registry
from .slips import warn_of_slips

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

#: What a schema without ``$schema`` is written in.
DRAFT_2020_12 = "https://json-schema.org/draft/2020-12/schema"


class SchemaFault(ValueError):
    """A schema that cannot be used.

    :ivar place: where in the schema the fault is, as far as that is known.
    """

    def __init__(self, message: str, place: Place = ()) -> None:
        super().__init__(message)
        self.place = place


def load_schema(name: str, schema: Any, patterns: Patterns) -> tuple[Validator, LocatedSchema]:
    """Check *schema* and make it ready for use.

    :param name: what an error calls the schema, such as ``"schemas['track']"``.
    :param schema: a JSON Schema as a dict; a copy of it is kept.
    :param patterns: where its patterns go.
    :returns: jsonschema's validator for it, which fetches nothing, and the schema in its place.
    :raises TypeError: if it is not a dict.
    :raises SchemaFault: if it is not a JSON Schema, has a reference that leads
        neither into it nor to a bundled schema, refers to itself in a circle,
        or has a pattern that is none of ECMA-262, is not supported, or may
        take exponential time.
    """
    if not isinstance(schema, dict):
        raise TypeError(f"{name} is {schema!r:.100}: a schema is a dict")
    try:
        schema = json.loads(json.dumps(schema, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise SchemaFault(f"{name} is not JSON: {error}") from None
    dialect = schema.get("$schema", DRAFT_2020_12)
    validator_class = _validator_class(dialect)
    if validator_class is None:
        raise SchemaFault(f"{name} is in the unsupported dialect {dialect!r}; without $schema it is {DRAFT_2020_12!r}")
    try:
        _check_schema(name, validator_class, schema)
        located = locate_schema(schema)
        _check_reachable(name, located, validator_class, patterns)
    except RecursionError:
        raise SchemaFault(f"{name} is nested too deep to validate an event with it") from None
    return validator_class(schema, registry=registry()), located


def locate_schema(schema: dict[str, Any]) -> LocatedSchema:
    """Put *schema*, which is in a known dialect, in its place."""
    specification = specification_with(schema.get("$schema", DRAFT_2020_12))
    root = specification.create_resource(schema)
    return LocatedSchema(schema, registry().resolver_with_root(root), specification)


def _validator_class(dialect: Any) -> type[Validator] | None:
    if not isinstance(dialect, str):
        return None
    try:
        found = validators.validator_for({"$schema": dialect}, default=validators.Draft3Validator)
    except ValueError:  # it is no URI
        return None
    # Draft 3 is also the default for an unknown dialect. Coercion knows the rules of neither.
    return None if found is validators.Draft3Validator else found


@cache  # there are five
def _metaschema(validator_class: Any) -> Node:
    # No bound for the patterns: who gives a schema is no visitor.
    return Compiler(locate_schema(validator_class.META_SCHEMA), Patterns(None)).root


def _check_schema(name: str, validator_class: Any, schema: Any) -> None:
    # The compiled check takes a twentieth of the time, which counts for a plan of a thousand schemas.
    if _metaschema(validator_class).holds(schema, {}):
        return
    try:
        # No format is checked: "regex" would mean Python's. Patterns are read afterwards, as ECMA-262 has them.
        validator_class.check_schema(schema, format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        raise SchemaFault(
            f"{name} is not a JSON Schema: at {error.json_path}, {error.message:.200}", tuple(error.absolute_path)
        ) from None


def _check_reachable(name: str, root: LocatedSchema, validator_class: type[Validator], patterns: Patterns) -> None:
    """Refuse what would go wrong at a request, in *root* and in every schema that it leads to."""
    applied: dict[int, list[int]] = {}  # id of a schema -> ids of the schemas that it applies to the same value
    try:
        reachable = list(reachable_schemas(root, lambda target: _check_schema(name, validator_class, target)))
        for located in reachable:
            for pattern in [located.schema.get("pattern"), *located.schema.get("patternProperties", ())]:
                if isinstance(pattern, str):
                    _check_pattern(name, pattern, patterns, root)
            same_value = (*_applied_to_same_value(located), *_dynamic_targets(located, reachable))
            warn_of_slips(name, located.schema)
            applied[id(located.schema)] = [id(schema) for schema in same_value]
        TopologicalSorter(applied).prepare()
    except Unresolvable as error:
        raise SchemaFault(
            f"{name} has a reference to {error.ref!r}, which is neither in it nor among the bundled schemas "
            "(urn:pixelmw:track and so on); nothing is ever fetched: put the schema under $defs",
            _place_of(root, error.ref, REFERENCE_KEYWORDS),
        ) from None
    except CycleError:
        raise SchemaFault(f"{name} refers to itself in a circle: a $ref leads back to where it stands") from None


def _check_pattern(name: str, pattern: str, patterns: Patterns, root: LocatedSchema) -> None:
    try:
        patterns.get(pattern)
    except PatternError as error:
        place = _place_of(root, pattern, ("pattern", pattern))
        raise SchemaFault(f"{name} has the pattern {pattern!r:.200}, which {error}", place) from None


def _place_of(root: LocatedSchema, text: str, keywords: Iterable[str]) -> Place:
    """Where in the schema *text* stands under one of *keywords*, or is itself a name there; empty if nowhere."""
    for part, place in parts_of(root.schema):
        for keyword in keywords if isinstance(part, dict) else ():
            if part.get(keyword) == text or (keyword == text and keyword in part):
                return (*place, keyword)
    return ()


def _applied_to_same_value(located: LocatedSchema) -> Iterator[Any]:
    """The schemas that *located* applies to the very value that it is applied to itself."""
    for keyword in REFERENCE_KEYWORDS:
        yield from (target.schema for target in located.referenced(keyword))
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield from located.schema.get(keyword, ())
    for keyword in ("not", "if", "then", "else"):
        if keyword in located.schema:
            yield located.schema[keyword]
    # "dependencies" is from draft 7 and before. There a list of names may stand in place of a schema.
    for keyword in ("dependentSchemas", "dependencies"):
        yield from located.schema.get(keyword, {}).values()


def _dynamic_targets(located: LocatedSchema, reachable: list[LocatedSchema]) -> Iterator[Any]:
    """Every schema that a dynamic reference may lead to; which one it is depends on how the schema was reached."""
    anchor = str(located.schema.get("$dynamicRef", "")).partition("#")[2]
    for other in reachable:
        if (anchor and other.schema.get("$dynamicAnchor") == anchor) or (
            "$recursiveRef" in located.schema and other.schema.get("$recursiveAnchor") is True
        ):
            yield other.schema
