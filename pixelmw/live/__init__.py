"""A page, and JSON for machines, that show the events of this process as they come."""

from .answers import LiveAnswer
from .view import LiveView

__all__ = ["LiveAnswer", "LiveView"]
