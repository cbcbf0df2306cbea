"""Compiles the schemas of a plan, each when it is first needed, and judges the parts of events by them."""

from __future__ import annotations

from typing import Any

from ..compiled import Memory
from ..judge import EventSchema
from .contents import FILLS_OF_TYPE, Planned
from .tracking_plan import TrackingPlan
from .unplanned import PlannedNames
from .violations import ViolationFinder


class CompiledPlan:
    """A plan, each schema of which is compiled when it is first needed.

    :param plan: the plan.
    :param pattern_steps: see :class:`pixelmw.Limits`.
    """

    def __init__(self, plan: TrackingPlan, pattern_steps: int | None) -> None:
        self.plan = plan
        self.names = PlannedNames()
        self.context = {"trackingPlanId": plan.id, "trackingPlanVersion": plan.version}
        self.context = {name: value for name, value in self.context.items() if value is not None}
        self._pattern_steps = pattern_steps
        self._judges: dict[Planned, PlanJudge] = {}

    def judge(self, planned: Planned) -> PlanJudge:
        """What judges by one schema. Two threads may make it at the same time, and the one that is kept is any."""
        judge = self._judges.get(planned)
        if judge is None:
            judge = self._judges[planned] = PlanJudge(planned, planned.compiled(self._pattern_steps))
        return judge

    def says_something_about(self, event_type: str) -> bool:
        """False if events of a type are judged as if there were no plan."""
        planned = self.plan.planned_types
        return event_type == "track" or event_type in planned or None in planned or bool(self.context)


class PlanJudge:
    """One compiled schema of a plan.

    :ivar schema: the schema, of the section or of the whole event.
    :ivar violations: finds all that is wrong with an event.
    """

    def __init__(self, planned: Planned, schema: EventSchema) -> None:
        self.schema = schema
        self.violations = ViolationFinder(schema.node, planned.section)
        self.section = planned.section
        self._fills = planned.fills

    def coerced(self, event: dict[str, Any], memory: Memory) -> dict[str, Any]:
        """Return *event* coerced; what came in is not changed."""
        value = part_of(event, self.section)
        return event if value is None else with_part(event, self.section, self.schema.coerced(value, memory))

    def view(self, event: dict[str, Any]) -> Any:
        """What is judged of *event*: its section, or the event with ``{}`` in place of what is absent."""
        fills = self._fills or FILLS_OF_TYPE.get(event.get("type", ""), ())
        filled = with_part(event, fills, {}) if fills and part_of(event, fills) is None else event
        return part_of(filled, self.section)


def part_of(event: dict[str, Any], names: tuple[str, ...]) -> Any:
    """The part of *event* that *names* lead to; ``None`` if there is none."""
    value: Any = event
    for name in names:
        value = value.get(name) if type(value) is dict else None
    return value


def with_part(event: dict[str, Any], names: tuple[str, ...], value: Any) -> Any:
    """*event* with *value* as the part that *names* lead to; what came in is not changed."""
    if not names:
        return value
    inner = event.get(names[0])
    if len(names) == 1 and inner is value:
        return event
    if len(names) > 1 and not isinstance(inner, dict | None):
        return event  # a context that is no object stays, and its type's schema says what is wrong
    changed = with_part(inner or {}, names[1:], value)
    return event if changed is inner else {**event, names[0]: changed}


def planned_properties(planned: Planned) -> dict[str, dict[str, Any]]:
    """The properties, or traits, that a schema names at the top of what it describes.

    :returns: for each name, in the order of the alphabet: its ``type`` as the schema has it, or ``None``, and whether
        it is ``required`` whatever the event.
    """
    names = PlannedNames()
    section = planned.section or planned.fills or ("properties",)
    # The names of an event are asked for where it has a value, so this one has an object at each place.
    sample = with_part({}, section, {})
    root = planned.compiled(None).node
    nodes = [root] if planned.section else names.below(root, sample, section, {})
    listing = names.listing(tuple(nodes))
    always = [node for root in nodes for node in root.applied()]
    required = frozenset().union(*(node.required_names for node in nodes))
    types: dict[str, Any] = {}
    for rule in (rule for node in always for rule in node.rules):
        for name, child in (rule.properties or {}).items():
            types.setdefault(name, next((each.value for each in child.rules if each.keyword == "type"), None))
    return {name: {"type": types.get(name), "required": name in required} for name in sorted(listing.names)}
