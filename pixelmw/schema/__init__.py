"""Validates events: JSON Schemas are loaded and compiled once; then each event is coerced and validated with them."""

from .event_schemas import event_schemas
from .judge import EventSchema
from .look_into import all_refusals, known_names
from .plan import PlannedEvents, TrackingPlan, planned_events
from .registry import bundled_schema
from .slips import SchemaWarning

__all__ = [
    "EventSchema",
    "PlannedEvents",
    "SchemaWarning",
    "TrackingPlan",
    "all_refusals",
    "bundled_schema",
    "event_schemas",
    "known_names",
    "planned_events",
]
