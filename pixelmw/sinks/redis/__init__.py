"""A sink that appends events to a Redis stream, on a single server or in a cluster."""

from .sink import RedisStream

__all__ = ["RedisStream"]
