"""Sinks that need nothing but the standard library, two ways to combine sinks, and what a sink of one's own needs.

A sink is any callable that takes an event, a dict ready for JSON. It has
stored the event once it returns, and raises otherwise.
"""

from .base import BatchSink, PartialFailure, SinkError, Unavailable, Undeliverable
from .combine import FallbackStats, fallback, fan_out
from .jsonlines import JSONLines
from .log import Log
from .repeats import StoreStats
from .sqlite import SQLite

__all__ = [
    "BatchSink",
    "FallbackStats",
    "JSONLines",
    "Log",
    "PartialFailure",
    "SQLite",
    "SinkError",
    "StoreStats",
    "Unavailable",
    "Undeliverable",
    "fallback",
    "fan_out",
]
