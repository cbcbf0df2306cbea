"""Validates events: JSON Schemas are loaded and compiled once; then each event is coerced and validated with them."""

from .event_schemas import event_schemas
from .judge import EventSchema
from .registry import bundled_schema
from .slips import SchemaWarning

__all__ = ["EventSchema", "SchemaWarning", "bundled_schema", "event_schemas"]
