"""A schema and the place it stands in: what its references are relative to, and which draft it follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from referencing.exceptions import Unresolvable
from referencing.jsonschema import UnknownDialect, lookup_recursive_ref, specification_with

from .drafts import DRAFTS, Draft

if TYPE_CHECKING:
    from referencing import Specification
    from referencing._core import Resolver  # it has no public name

#: The keywords that lead to another schema by its address.
REFERENCE_KEYWORDS = ("$ref", "$dynamicRef", "$recursiveRef")


@dataclass(frozen=True, slots=True)
class LocatedSchema:
    """A schema and the place it stands in.

    :ivar schema: a dict, or ``True`` or ``False``, which are schemas too.
    :ivar resolver: finds what a reference in the schema leads to; it fetches nothing.
    :ivar specification: how the draft of JSON Schema that the schema is written in names and finds schemas.
    """

    schema: Any
    resolver: Resolver[Any]
    specification: Specification[Any]

    def child(self, schema: Any) -> LocatedSchema:
        """Locate *schema*, which stands inside this schema."""
        if not isinstance(schema, dict):  # referencing cannot ask true and false of draft 4 for their id
            return LocatedSchema(schema, self.resolver, self.specification)
        resource = self.specification.create_resource(schema)
        return self._at(schema, self.resolver.in_subresource(resource))

    def _at(self, schema: Any, resolver: Resolver[Any]) -> LocatedSchema:
        """Locate *schema*. Its own ``$schema`` counts, as it does for jsonschema; without one it is in this draft."""
        specification = self.specification
        if isinstance(schema, dict) and isinstance(schema.get("$schema"), str):
            with suppress(UnknownDialect):
                specification = specification_with(schema["$schema"])
        return LocatedSchema(schema, resolver, specification)

    def children(self) -> Iterator[LocatedSchema]:
        """Every schema that stands directly inside this schema."""
        for resource in self.specification.create_resource(self.schema).subresources():
            yield self.child(resource.contents)

    def referenced(self, keyword: str = "$ref") -> Iterator[LocatedSchema]:
        """The schema that the reference in *keyword* leads to, or nothing if the schema has no such keyword.

        :raises Unresolvable: if the reference leads neither into this schema
            nor to a bundled one; its ``ref`` is the reference.
        """
        if isinstance(self.schema.get(keyword), str):
            try:
                if keyword == "$recursiveRef":
                    resolved = lookup_recursive_ref(self.resolver)
                else:
                    resolved = self.resolver.lookup(self.schema[keyword])
            # These name only a part of the reference, or nothing. The last three are about a pointer that leads through
            # what holds nothing: true and false, a number, an item that is not there.
            except (Unresolvable, ValueError, TypeError, LookupError, AttributeError):
                raise Unresolvable(self.schema[keyword]) from None
            yield self._at(resolved.contents, resolved.resolver)

    @property
    def draft(self) -> Draft:
        """What the keywords mean in the draft that the schema is written in."""
        return DRAFTS[self.specification.name]

    @property
    def ref_hides_siblings(self) -> bool:
        """True if the keywords beside a ``$ref`` are ignored, as they were up to draft 7."""
        return "$ref" in self.schema and self.draft.ref_hides_siblings

    @property
    def scope(self) -> tuple[str, ...]:
        """The URIs of the schemas that were passed on the way here, the outermost one first, each once.

        It decides what a dynamic reference leads to: the outermost schema that
        has the anchor counts.
        """
        return tuple(dict.fromkeys(reversed([uri for uri, _ in self.resolver.dynamic_scope()])))


def reachable_schemas(
    root: LocatedSchema, check_target: Callable[[Any], object] = lambda target: None
) -> Iterator[LocatedSchema]:
    """Every schema that is a dict and can be reached from *root*, including *root*, each once.

    :param check_target: called with each schema that a reference leads to. It
        may stand under a keyword that JSON Schema does not know, where no
        metaschema has checked it.
    :raises Unresolvable: see :meth:`LocatedSchema.referenced`.
    """
    seen = set()
    waiting = [root]
    while waiting:
        located = waiting.pop()
        if id(located.schema) not in seen and isinstance(located.schema, dict):
            seen.add(id(located.schema))
            yield located
            waiting += located.children()
            for keyword in REFERENCE_KEYWORDS:
                for target in located.referenced(keyword):
                    if id(target.schema) not in seen:
                        check_target(target.schema)
                    waiting.append(target)
