"""What an event must look like: JSON Schemas, loaded and compiled once, coerce and judge events."""

from .judge import EventSchema, event_schemas
from .registry import bundled_schema

__all__ = ["EventSchema", "bundled_schema", "event_schemas"]
