"""A compiled schema is a graph: a node for each schema, a rule for each of its keywords, and a memory for each request.

1. A check returns True if a value satisfies a keyword or a schema, else False. For JSON values this is the verdict:
   nobody is asked again.
2. A value of another type (an enricher may leave one) never satisfies a keyword. Instances of subclasses are made plain
   before they come here, see :func:`pixelmw.schema.values.plain`.
3. A schema that is used in several places is asked about one value once in a request. The answer is remembered with the
   value, so that its identity stays its own. So alternatives add up, and never multiply.
4. A node may lead back to itself, but never for one and the same value: such schemas are refused when they are loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .switch import Switch

#: What was found out in one request: (who asks, id of the value) -> the value, and what was found out.
Memory = dict[tuple[Any, int], tuple[Any, Any]]
#: Takes a value and the memory of the request; returns True if the value satisfies the keyword or the schema.
Check = Callable[[Any, Memory], bool]
#: The property names and list indexes that lead to a value.
Path = tuple[str | int, ...]
#: Takes a value and the memory. Yields the parts of the value that a keyword applies schemas to.
Parts = Callable[[Any, Memory], Iterable[tuple[Path, Any, "Node"]]]
#: Takes a value that breaks a keyword, and the memory. Returns the names or indexes in the value that are at fault.
Culprits = Callable[[Any, Memory], list[Any]]
#: Takes a value and the memory. Returns the names, or the indexes, that a keyword has evaluated.
Evaluated = Callable[[Any, Memory], set[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One keyword of a schema.

    :ivar keyword: its name, as a refusal reports it.
    :ivar value: what the schema has for it.
    :ivar holds: its check.
    :ivar holds_for_object: the same, but False for a value that is no object.
    :ivar parts: for a keyword that applies other schemas, and holds if and
        only if these hold: what it applies them to.
    :ivar nodes: for a keyword that chooses among schemas, or negates one: these.
    :ivar culprits: see :data:`Culprits`.
    :ivar names: see :data:`Evaluated`.
    :ivar indexes: see :data:`Evaluated`.
    :ivar applied: the nodes that apply to the same value whatever it is.
    :ivar properties: the nodes that apply to the properties of these names.
    :ivar branches: the nodes of ``if``, ``then`` and ``else``.
    :ivar switch: finds quickly which of *nodes* may hold, or which conditions among *applied*.
    :ivar worded_as: the keyword that says the same in the newest draft.
    """

    keyword: str
    value: Any
    holds: Check
    holds_for_object: Check | None = None
    parts: Parts | None = None
    nodes: tuple[Node, ...] = ()
    culprits: Culprits | None = None
    names: Evaluated | None = None
    indexes: Evaluated | None = None
    applied: tuple[Node, ...] = ()
    properties: dict[str, Node] | None = None
    branches: tuple[Node, Node | None, Node | None] | None = None
    switch: Switch | None = None
    worded_as: str = ""


class Node:
    """One schema.

    :ivar schema: the schema itself.
    :ivar rules: its keywords, those first that are cheap to ask or tell much.
    :ivar holds: its check.
    :ivar own_coercion: coerces a value by this schema alone; ``None`` where
        that changes nothing. The room ``coerce`` sets it for alternatives.
    """

    def __init__(self, schema: Any) -> None:
        self.schema = schema
        self.rules: list[Rule] = []
        self.own_coercion: Callable[[Any, Memory], Any] | None = None
        # A schema may contain itself. Its check is then asked for before it is known, so this looks it up when called.
        self.holds: Check = lambda value, memory: self.holds(value, memory)

    def fill(self, rules: list[Rule], is_shared: bool) -> None:
        """Set the rules, which may lead back to this node."""
        self.rules = sorted(rules, key=_asking_order)
        check = all_hold(_checks(self.rules))
        self.holds = self._remembered(check) if is_shared else check

    @property
    def is_true(self) -> bool:
        """True if every value satisfies the schema, because it says nothing."""
        return not self.rules

    @property
    def is_false(self) -> bool:
        """True if the schema is ``False``."""
        return self.schema is False

    def _remembered(self, check: Check) -> Check:
        def holds(value: Any, memory: Memory) -> bool:
            key = (self, id(value))
            known = memory.get(key)
            if known is None:
                known = memory[key] = (value, check(value, memory))
            return bool(known[1])

        return holds

    def names(self, value: dict[str, Any], memory: Memory) -> set[str]:
        """The names of the properties that this schema evaluates, for a value that satisfies it."""
        return self._evaluated("names", [rule.names for rule in self.rules], value, memory)

    def indexes(self, value: list[Any], memory: Memory) -> set[int]:
        """The indexes of the items that this schema evaluates, for a value that satisfies it."""
        return self._evaluated("indexes", [rule.indexes for rule in self.rules], value, memory)

    def _evaluated(self, what: str, evaluate: list[Evaluated | None], value: Any, memory: Memory) -> set[Any]:
        key = ((what, self), id(value))
        if key not in memory:
            memory[key] = (value, set().union(*(each(value, memory) for each in evaluate if each)))
        found: set[Any] = memory[key][1]
        return found

    def applied(self) -> Iterator[Node]:
        """This node, and all that apply to the same value whatever it is, each once."""
        seen: dict[Node, None] = {}
        waiting = [self]
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen[node] = None
                yield node
                waiting += [applied for rule in node.rules for applied in rule.applied]

    @cached_property
    def fixed_values(self) -> list[FixedValue]:
        """Each ``const`` and ``enum`` that this schema has for a value or for a place in it."""
        return list(_fixed_values(self, (), set()))

    @cached_property
    def required_names(self) -> frozenset[str]:
        """The names in ``required``."""
        rules = [rule for applied in self.applied() for rule in applied.rules]
        return frozenset(name for rule in rules if rule.keyword == "required" for name in rule.value)

    @cached_property
    def named_properties(self) -> frozenset[str]:
        """The names in ``properties`` and ``required``."""
        rules = [rule for applied in self.applied() for rule in applied.rules]
        return self.required_names.union(*(rule.properties or () for rule in rules))


@dataclass(frozen=True, slots=True)
class FixedValue:
    """A ``const`` or an ``enum``, and the names that lead to the place that it stands for."""

    path: tuple[str, ...]
    rule: Rule

    @property
    def is_name(self) -> bool:
        """True if only one value is allowed at a place within the value, which so names the schema."""
        return bool(self.path) and (self.rule.keyword == "const" or len(self.rule.value) == 1)

    def find(self, value: Any) -> list[Any]:
        """What *value* has at the place; nothing if the place is absent."""
        for name in self.path:
            if type(value) is not dict or name not in value:
                return []
            value = value[name]
        return [value]


# How far below a value such a place may be: event, properties.kind, context.page.type. None was seen further down.
_MAX_DEPTH = 3


def _fixed_values(node: Node, path: tuple[str, ...], seen: set[Node]) -> Iterator[FixedValue]:
    if node in seen:  # a schema that is used in many places, or contains itself, is looked into once
        return
    seen.add(node)
    for rule in (rule for applied in node.applied() for rule in applied.rules):
        if rule.keyword in ("const", "enum"):
            yield FixedValue(path, rule)
        for name, child in (rule.properties or {}).items() if len(path) < _MAX_DEPTH else ():
            yield from _fixed_values(child, (*path, name), seen)


_FIRST = ["type", "const", "enum", "required"]
_LAST = ["unevaluatedItems", "unevaluatedProperties"]


def _asking_order(rule: Rule) -> int:
    """A sort key: what is cheap and tells much comes first; length before pattern; what needs all others comes last."""
    if rule.keyword in _FIRST:
        return _FIRST.index(rule.keyword)
    if rule.keyword == "pattern":
        return 11
    if rule.nodes or rule.parts or rule.branches:
        return 12
    return 13 if rule.keyword in _LAST else 10


def _checks(rules: list[Rule]) -> list[Check]:
    """The checks that decide about a schema. One of ``type: object`` is left out where another one implies it."""
    only_objects = any(rule.keyword == "type" and rule.value == "object" for rule in rules)
    if only_objects and any(rule.holds_for_object for rule in rules):
        return [rule.holds_for_object or rule.holds for rule in rules if rule.keyword != "type"]
    return [rule.holds for rule in rules if rule.holds is not always]


def always(value: Any, memory: Memory) -> bool:
    """The check of a keyword that every value satisfies."""
    return True


def all_hold(checks: list[Check]) -> Check:
    """Make a check that returns True if all of *checks* do."""
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda value, memory: first(value, memory) and second(value, memory)

    def check(value: Any, memory: Memory) -> bool:
        for each in checks:  # noqa: SIM110 - a generator would take twice the time
            if not each(value, memory):
                return False
        return True

    return check
