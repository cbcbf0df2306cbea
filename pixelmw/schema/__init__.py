"""Validates events: JSON Schemas are loaded and compiled once; then each event is coerced and validated with them."""

from .event_schemas import event_schemas
from .judge import EventSchema
from .plan import PlannedEvents, TrackingPlan, planned_events
from .registry import bundled_schema
from .slips import SchemaWarning

__all__ = [
    "EventSchema",
    "PlannedEvents",
    "SchemaWarning",
    "TrackingPlan",
    "bundled_schema",
    "event_schemas",
    "planned_events",
]
