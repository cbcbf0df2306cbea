"""What an event must look like: JSON Schemas are loaded and compiled once, then coerce and judge each event."""

from .event_types import event_schemas
from .judge import EventSchema
from .registry import bundled_schema

__all__ = ["EventSchema", "bundled_schema", "event_schemas"]
