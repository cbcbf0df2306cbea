"""Sinks made of sinks: one gives each event to all of them, the other gives it to a second one if the first fails."""

from .fallback import FallbackStats, fallback
from .fan_out import fan_out

__all__ = ["FallbackStats", "fallback", "fan_out"]
