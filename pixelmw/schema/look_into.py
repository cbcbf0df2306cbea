"""Looks into what judges events: all faults of one event, and the names that are known. No request needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import Rejected
from .compiled import Memory
from .judge import EventSchema
from .patterns import TooMuchText
from .plan.compiled_plan import PlanJudge
from .plan.planned_events import PlannedEvents
from .refusals import refusals_of


def all_refusals(judge: EventSchema | PlannedEvents, event_type: str, event: dict[str, Any]) -> list[Rejected]:
    """A refusal for each fault that the schemas find in *event*; what is merely unplanned is none of theirs.

    :param judge: what judges events of the type *event_type*.
    :param event: an event that was refused. It is coerced, and not changed.
    """
    memory: Memory = {}
    judges = _judges_of_plan(judge, event_type, event)
    schema = judge.schema if isinstance(judge, PlannedEvents) else judge
    try:
        value = schema.coerced(event, memory)
        for each in judges:
            value = schema.coerced(each.coerced(value, memory), memory)
        by_plan = [
            refusal
            for each in judges
            if not each.schema.node.holds(each.view(value), memory)
            for refusal in refusals_of(each.schema.node, each.view(value), memory, each.section)
        ]
        by_schema = [] if schema.node.holds(value, memory) else refusals_of(schema.node, value, memory)
    except TooMuchText:
        return []
    return [*by_plan, *by_schema]


def known_names(
    judge: EventSchema | PlannedEvents, event_type: str, event: dict[str, Any], path: Sequence[str]
) -> frozenset[str]:
    """The names that the schemas have for properties of *event*, or of the object at *path* in it."""
    if isinstance(judge, EventSchema):
        return judge.named_properties(path)
    names = judge.schema.named_properties(path)
    for each in _judges_of_plan(judge, event_type, event):
        if tuple(path[: len(each.section)]) == each.section:
            names |= each.schema.named_properties(path[len(each.section) :])
    return names


def _judges_of_plan(judge: EventSchema | PlannedEvents, event_type: str, event: dict[str, Any]) -> list[PlanJudge]:
    """The schemas that the plan has for *event*."""
    if isinstance(judge, EventSchema):
        return []
    plan = judge.compiled.plan
    found = (plan.find(each, event) for each in (event_type, None))
    return [judge.compiled.judge(planned) for planned in found if planned]
