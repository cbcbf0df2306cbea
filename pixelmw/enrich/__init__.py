"""What a request says beside its query, for an event before the schema judges it."""

from .client import client_context

__all__ = ["client_context"]
