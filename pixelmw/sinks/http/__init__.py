"""A sink for the data planes of RudderStack and Segment."""

from .sink import HTTP

__all__ = ["HTTP"]
