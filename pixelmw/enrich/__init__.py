"""Enrichers: callables that add to an event what the request says outside its query."""

from .client import client_context

__all__ = ["client_context"]
