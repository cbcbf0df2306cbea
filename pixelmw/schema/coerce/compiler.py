"""Works out once, from a schema, what coercion has to do at each place of an event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..compiled import Compiler, Rule
from ..located import REFERENCE_KEYWORDS, LocatedSchema
from ..values import KINDS, SCALARS
from .place import Applier, Coercion, Step
from .steps import Choice, Conditions, Dependency
from .walk import Walk


def compile_coercion(root: LocatedSchema, compiler: Compiler) -> tuple[Coercion, Walk]:
    """Make the coercion of a schema, and the walk that also judges.

    :param root: a schema that :func:`pixelmw.schema.load.load_schema` has checked.
    :param compiler: what has compiled it. Each alternative in it gets its own coercion.
    """
    places = _Places(compiler)
    coercion = places.coercion_of([root])
    places.finish()
    return coercion, places.walks[coercion]


class _Places:
    """The coercions of all places, each made once from the schemas that always apply there."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._known: dict[frozenset[Any], Coercion] = {}
        self._applying: dict[Coercion, list[LocatedSchema]] = {}
        self.walks: dict[Coercion, Walk] = {}

    def coercion_of(self, schemas: Iterable[LocatedSchema]) -> Coercion:
        """The coercion of a place where *schemas* apply together; it may not be filled yet."""
        applying = _always_applying(schemas)
        key = frozenset(map(self._compiler.key, applying))
        if key in self._known:  # a schema may contain itself
            self._known[key].is_shared = True
            return self._known[key]
        coercion = self._known[key] = Coercion()
        self._applying[coercion], self.walks[coercion] = applying, Walk()
        for located in applying:
            _narrow(coercion, located)
        self._add_properties(coercion, applying)
        self._add_items(coercion, applying)
        coercion.steps = [step for located in applying for step in self._steps(located)]
        return coercion

    def _add_properties(self, coercion: Coercion, applying: list[LocatedSchema]) -> None:
        names = dict.fromkeys(name for located in applying for name in located.schema.get("properties", ()))
        coercion.known_names = frozenset(names)
        coercion.properties = {
            name: self.coercion_of(
                child for located in applying for child in _schemas_of_property(self._compiler, located, name)
            )
            for name in names
        }
        for located in applying:
            patterns = [
                (self._compiler.name_search(pattern), self.coercion_of([located.child(schema)]))
                for pattern, schema in located.schema.get("patternProperties", {}).items()
            ]
            additional = located.schema.get("additionalProperties")
            other = self.coercion_of([located.child(additional)]) if isinstance(additional, dict) else None
            if patterns or other:
                coercion.appliers.append(Applier(patterns, other))

    def _add_items(self, coercion: Coercion, applying: list[LocatedSchema]) -> None:
        lists = [_item_schemas(located) for located in applying]
        coercion.lasting_items = max((len(firsts) for firsts, _ in lists), default=0)
        coercion.first_items = [
            self.coercion_of(schema for firsts, others in lists for schema in (firsts[index:] or others)[:1])
            for index in range(coercion.lasting_items)
        ]
        if any(others for _, others in lists):
            coercion.other_items = self.coercion_of(schema for _, others in lists for schema in others)

    def _steps(self, located: LocatedSchema) -> Iterator[Step]:
        """The steps of one schema. Alternatives come in the schema's order, then its condition, then dependencies."""
        schema, node = located.schema, self._compiler.node(located)
        rules = {rule.keyword: rule for rule in node.rules}
        for keyword in schema:
            if keyword in ("anyOf", "oneOf") and keyword in rules:
                yield self._choice(located, rules[keyword])
        if "if" in rules:
            if_, then, else_ = (
                self.coercion_of([located.child(schema[name])]) if name in schema else None
                for name in ("if", "then", "else")
            )
            branches = rules["if"].branches
            if if_ and branches:
                yield Conditions([(if_, branches[0], then, else_)])
        for keyword in ("dependentSchemas", "dependencies"):
            if keyword in rules:
                for name, dependent in schema[keyword].items():
                    if isinstance(dependent, dict):
                        yield Dependency(name, self.coercion_of([located.child(dependent)]))

    def _choice(self, located: LocatedSchema, rule: Rule) -> Choice:
        coercions = [self.coercion_of([located.child(schema)]) for schema in rule.value]
        return Choice(rule.holds, list(zip(coercions, rule.nodes, strict=True)), rule.switch)

    def finish(self) -> None:
        """Set what depends on all coercions, and drop what changes nothing: most properties stay strings."""
        coercions = list(self._known.values())
        # A step takes no string if its alternatives do not, so this goes on until nothing changes.
        while refusing := [each for each in coercions if each.takes_text and not each.can_take_text]:
            for coercion in refusing:
                coercion.takes_text = False
        changing = _changing(coercions)
        parts = [(coercion.properties, coercion.other_items) for coercion in coercions]
        for coercion in coercions:
            coercion.keep(changing)
            coercion.steps = _joined([step for step in coercion.steps if changing.intersection(step.coercions())])
            for step in coercion.steps:
                if isinstance(step, Choice):
                    for alternative, node in step.alternatives:
                        node.own_coercion = alternative.coerce
        for coercion, (properties, item) in zip(coercions, parts, strict=True):
            walks = {name: self.walks[child] for name, child in properties.items()}
            items = self.walks[item] if item and not coercion.lasting_items else None
            self.walks[coercion].fill(coercion, self._rules_left(coercion), walks, items)
        for walk in self.walks.values():
            walk.finish()

    def _rules_left(self, coercion: Coercion) -> list[Rule]:
        """The rules that a walk has to ask about a value, besides those that are about what it walks."""
        nodes = [self._compiler.node(located) for located in self._applying[coercion]]
        by_switch = {node for each in nodes for rule in each.rules if rule.switch for node in rule.applied}
        rules = [rule for node in nodes if node not in by_switch for rule in node.rules]
        return [rule for rule in rules if not _is_walked(rule, coercion)]


def _is_walked(rule: Rule, coercion: Coercion) -> bool:
    """True if a walk judges all that *rule* does. It knows no schema that is ``False``."""
    if rule.applied:
        return not rule.switch and not any(node.is_false for node in rule.applied)
    if coercion.steps:
        return False
    if rule.properties is not None:
        return not any(node.is_false for node in rule.properties.values())
    return rule.keyword == "items" and isinstance(rule.value, dict) and not coercion.lasting_items


def _changing(coercions: Sequence[Coercion]) -> set[Coercion]:
    """Those of *coercions* at which, or below which, something may change."""
    changing = {coercion for coercion in coercions if coercion.changes_text}
    while parents := {each for each in coercions if not changing.isdisjoint(each.children())} - changing:
        changing |= parents
    return changing


def _joined(steps: list[Step]) -> list[Step]:
    """*steps* with neighbouring conditions joined, so that one look-up finds those that can hold."""
    joined: list[Step] = []
    for step in steps:
        previous = joined[-1] if joined else None
        if isinstance(step, Conditions) and isinstance(previous, Conditions):
            joined[-1] = Conditions([*previous.conditions, *step.conditions])
        else:
            joined.append(step)
    return [step.with_switch() if isinstance(step, Conditions) else step for step in joined]


def _always_applying(schemas: Iterable[LocatedSchema]) -> list[LocatedSchema]:
    """*schemas*, and those that ``allOf`` and references in them apply to the same value; each once, inner first."""
    applying: dict[int, LocatedSchema] = {}

    def add(located: LocatedSchema) -> None:
        # True and False are schemas too, and ask for no type.
        if not isinstance(located.schema, dict) or id(located.schema) in applying:
            return
        for keyword in REFERENCE_KEYWORDS if not located.ref_hides_siblings else ("$ref",):
            if keyword in located.draft.keywords:
                for target in located.referenced(keyword):
                    add(target)
        if not located.ref_hides_siblings:
            for schema in located.schema.get("allOf", ()):
                add(located.child(schema))
            applying[id(located.schema)] = located

    for located in schemas:
        add(located)
    return list(applying.values())


def _narrow(coercion: Coercion, located: LocatedSchema) -> None:
    """Take account of the types and values that one more schema allows by name."""
    named = located.schema.get("type")
    if named is not None:
        kinds = frozenset().union(*(KINDS[name] for name in ([named] if isinstance(named, str) else named)))
        if located.draft.integer_by_spelling and "number" not in ([named] if isinstance(named, str) else named):
            kinds -= {"whole"}
        coercion.kinds = kinds if coercion.kinds is None else coercion.kinds & kinds
    listed = [located.schema["enum"]] if "enum" in located.schema else []
    if "const" in located.schema and "const" in located.draft.keywords:
        listed.append([located.schema["const"]])
    for accepted in listed:
        values = frozenset((type(value) is bool, value) for value in accepted if type(value) in SCALARS)
        coercion.values = values if coercion.values is None else coercion.values & values


def _schemas_of_property(compiler: Compiler, located: LocatedSchema, name: str) -> Iterator[LocatedSchema]:
    """The schemas that *located* applies to the property *name*."""
    schema, applied = located.schema, []
    if name in schema.get("properties", {}):
        applied.append(schema["properties"][name])
    patterns = schema.get("patternProperties", {})
    applied += [inner for pattern, inner in patterns.items() if compiler.pattern(pattern).search(name)]
    if not applied and "additionalProperties" in schema:
        applied.append(schema["additionalProperties"])
    return map(located.child, applied)


def _item_schemas(located: LocatedSchema) -> tuple[list[LocatedSchema], list[LocatedSchema]]:
    """The schemas of the first items of a list, and the schema of all other items in a list of one or none."""
    schema, draft = located.schema, located.draft
    firsts = schema.get("prefixItems", []) if "prefixItems" in draft.keywords else []
    others = schema.get("items")
    if draft.items_may_be_array and isinstance(others, list):
        firsts, others = others, schema.get("additionalItems")
    return [located.child(first) for first in firsts], [located.child(others)] if isinstance(others, dict) else []
