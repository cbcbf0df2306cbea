"""Sinks that need nothing but the standard library, and two ways to combine sinks.

A sink is any callable that takes an event, a dict ready for JSON. It has
stored the event once it returns, and raises otherwise.
"""

from .combine import fallback, fan_out
from .jsonlines import JSONLines
from .log import Log
from .sqlite import SQLite

__all__ = ["JSONLines", "Log", "SQLite", "fallback", "fan_out"]
