"""Judges the events of one type by their plan and by their type's schema.

1. Coercion: the type's schema, then the plan's, and again while one of them has changed something.
2. The plan: an event that it does not name; unplanned properties, which are taken out before the rest is judged; then
   its schema, and the schema of all events.
3. What is stored beside the event is written into ``context``.
4. The type's schema judges last, so that the sink gets exactly what was accepted.
5. Where the plan wants another type than the type's schema, an event cannot satisfy both. If violations are kept, such
   an event is judged as the type's schema has coerced it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import Rejected
from ...params import join_name
from ...text import is_blank, quoted, shortened
from ..compiled import Memory
from ..judge import EventSchema
from ..patterns import TooMuchText
from ..places import pointer
from ..refusals import name_of
from ..values import is_plain, plain
from .compiled_plan import CompiledPlan, PlanJudge, part_of, with_part
from .contents import Planned
from .tracking_plan import TrackingPlan
from .unplanned import Unplanned, bounded_names
from .violation_words import unplanned_event, violation
from .violations import Violations

# What a plan may drop: where properties and traits stand.
_SECTIONS = (("properties",), ("traits",), ("context", "traits"))
# The type's schema and the plan's change strings only, so a second round is seldom, and a third one never seen.
_MAX_ROUNDS = 3


@dataclass(slots=True)
class _Findings:
    """What the plan has found in one event.

    :ivar event: the event, without what was taken out.
    :ivar violations: what is stored beside it.
    :ivar omitted: the dotted names of what was taken out.
    """

    event: dict[str, Any]
    violations: Violations = field(default_factory=Violations)
    omitted: list[str] = field(default_factory=list)


class PlannedEvents:
    """The schema of one event type, and a plan on top of it.

    :param event_type: the type.
    :param schema: its schema.
    :param compiled: the plan.
    """

    def __init__(self, event_type: str, schema: EventSchema, compiled: CompiledPlan) -> None:
        self._event_type = event_type
        self.schema = schema
        self.compiled = compiled
        self._plan = compiled.plan

    def coerce_and_validate(self, event: dict[str, Any], *, from_query: bool = False) -> None:
        """Coerce *event*, then judge it by the plan and by its type's schema.

        :param from_query: as for :meth:`EventSchema.coerce_and_validate`.

        The event itself is changed, but no dict or list inside it.

        :raises Rejected: ``invalid``, with the path and the rule at fault.
        """
        planned = self._plan.find(self._event_type, event)
        try:
            self._coerce_and_validate(event, planned, from_query)
        except (TooMuchText, Rejected) as error:
            refusal = error if isinstance(error, Rejected) else _too_much_text()
            refusal.planned_name = planned.name or None if planned else None
            raise refusal from None

    def _coerce_and_validate(self, event: dict[str, Any], planned: Planned | None, from_query: bool) -> None:
        memory: Memory = {}
        value = event if from_query or is_plain(event) else plain(event)
        common = self._plan.find(None, value)
        judges = [self.compiled.judge(each) for each in (planned, common) if each]
        typed = self.schema.coerced(value, memory)
        value = coerced = self._coerced_by_both(typed, judges, memory)
        try:
            found = self._judged_by_plan(coerced, planned, judges, memory)
            value = self._annotated(found)
            refusal = self.schema.refusal(value, memory)
            if refusal and self._plan.violations == "annotate" and coerced is not typed:
                found = self._judged_by_plan(typed, planned, judges, memory)
                value, first = self._annotated(found), refusal
                refusal = self.schema.refusal(value, memory) and first
        finally:
            if value is not event:
                event.clear()
                event.update(value)
        if refusal:
            raise refusal

    def _coerced_by_both(self, value: dict[str, Any], judges: list[PlanJudge], memory: Memory) -> dict[str, Any]:
        for _ in range(_MAX_ROUNDS):
            typed = value
            for judge in judges:
                value = judge.coerced(value, memory)
            if value is typed:
                break
            by_plan = value
            value = self.schema.coerced(by_plan, memory)
            if value is by_plan:
                break
        return value

    def _judged_by_plan(
        self, event: dict[str, Any], planned: Planned | None, judges: list[PlanJudge], memory: Memory
    ) -> _Findings:
        """Judge *event* by the plan.

        :raises Rejected: if the plan refuses it.
        """
        found = _Findings(event)
        if planned is None and self._event_type == "track" and self._plan.unplanned != "allow":
            self._judge_unplanned(event, found, memory)
        unplanned: list[Unplanned] = []
        stripped = event
        if self._plan.unplanned_properties != "allow":
            stripped, unplanned = self._stripped(event, judges, memory)
        if unplanned and self._plan.unplanned_properties == "refuse":
            raise _unplanned_property(unplanned[0])
        if unplanned and self._plan.unplanned_properties == "omit":
            found.event, found.omitted = stripped, [join_name(each.path) for each in unplanned]
        for judge in judges:
            if self._plan.violations == "annotate":
                found.violations.add(judge.violations.find(judge.view(found.event), memory))
            elif refusal := self._refusal(judge, found.event, stripped, memory):
                raise refusal
        if unplanned and self._plan.unplanned_properties == "annotate":
            found.violations.add(_additional(found.violations.at, unplanned, judges))
        return found

    def _refusal(
        self, judge: PlanJudge, event: dict[str, Any], stripped: dict[str, Any], memory: Memory
    ) -> Rejected | None:
        """The refusal of an event. What is only unplanned is no reason for one, where it is to be noted."""
        refusal = judge.schema.refusal(judge.view(event), memory, judge.section)
        if refusal and stripped is not event:
            return judge.schema.refusal(judge.view(stripped), memory, judge.section)
        return refusal

    def _judge_unplanned(self, event: dict[str, Any], found: _Findings, memory: Memory) -> None:
        name = event.get("event")
        if self._plan.unplanned == "annotate":
            found.violations.add([unplanned_event(name if isinstance(name, str) else "")])
            return
        if is_blank(name) and (refusal := self.schema.refusal(event, memory)):
            raise refusal  # it says what is wrong with the name
        near = self._plan.nearest(name) if isinstance(name, str) else None
        message = f"event {quoted(name)} is not planned{_did_you_mean(near)}"
        raise Rejected("invalid", message, path="event", rule="unplanned")

    def _stripped(
        self, event: dict[str, Any], judges: list[PlanJudge], memory: Memory
    ) -> tuple[dict[str, Any], list[Unplanned]]:
        """*event* without its unplanned properties, and what they are."""
        found: list[Unplanned] = []
        for section in _SECTIONS:
            value = part_of(event, section)
            nodes = [node for judge in judges for node in self._nodes_at(judge, event, section, memory)]
            if nodes and value is not None:
                event = with_part(event, section, self.compiled.names.strip(nodes, value, section, memory, found))
        return event, found

    def _nodes_at(self, judge: PlanJudge, event: dict[str, Any], section: tuple[str, ...], memory: Memory) -> list[Any]:
        if judge.section == section:
            return [judge.schema.node]
        return [] if judge.section else self.compiled.names.below(judge.schema.node, event, section, memory)

    def _annotated(self, found: _Findings) -> dict[str, Any]:
        """The event with what is stored beside it in ``context``; one that is no object is left alone."""
        notes: dict[str, Any] = dict(self.compiled.context)
        if violations := found.violations.listed():
            notes["violationErrors"] = violations
        if found.omitted:
            notes["omitted"] = bounded_names(found.omitted)
        context = found.event.get("context")
        if not notes or not isinstance(context, dict | None):
            return found.event
        return {**found.event, "context": {**(context or {}), **notes}}


def planned_events(
    schemas: Mapping[str, EventSchema], plan: TrackingPlan | None, pattern_steps: int | None
) -> Mapping[str, EventSchema | PlannedEvents]:
    """Put a plan on top of the schemas of all event types.

    :param schemas: event type to schema.
    :param plan: without one, they stay as they are.
    :param pattern_steps: see :class:`pixelmw.Limits`.
    :raises TypeError: if *plan* is something else.
    """
    if plan is None:
        return schemas
    if not isinstance(plan, TrackingPlan):
        raise TypeError(f"plan is {plan!r:.100}: give a pixelmw.TrackingPlan, such as TrackingPlan.load(path)")
    compiled = CompiledPlan(plan, pattern_steps)
    return {
        event_type: PlannedEvents(event_type, schema, compiled) if compiled.says_something_about(event_type) else schema
        for event_type, schema in schemas.items()
    }


def _too_much_text() -> Rejected:
    message = "the event has too much text for the patterns of its schema and of the plan"
    return Rejected("invalid", message, rule="pattern")


def _did_you_mean(near: str | None) -> str:
    return f'; did you mean "{shortened(near)}"?' if near else ""


def _unplanned_property(unplanned: Unplanned) -> Rejected:
    name = str(unplanned.path[-1])
    message = f"{name_of(unplanned.path)} is not planned{_did_you_mean(unplanned.listing.nearest.find(name))}"
    return Rejected("invalid", message, path=join_name(unplanned.path), rule="additionalProperties")


def _additional(known: set[tuple[str, str]], unplanned: list[Unplanned], judges: list[PlanJudge]) -> Iterator[Any]:
    """A violation for each unplanned property that has none among the *known* ones."""
    for each in unplanned:
        name, at, node = str(each.path[-1]), pointer(each.path[:-1]), each.listing.listed_by
        if (name, at) not in known:
            finders = (judge.violations for judge in judges if node and judge.violations.knows(node))
            schema = next((finder.schema_path(node, "additionalProperties") for finder in finders if node), "")
            yield violation("additionalProperties", f"must NOT have additional properties '{name}'", at, schema, name)
