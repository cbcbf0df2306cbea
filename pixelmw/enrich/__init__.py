"""Enrichers: callables that add to an event what the request says outside its query, or take from it."""

from .anonymize import anonymize_ip
from .client import client_context

__all__ = ["anonymize_ip", "client_context"]
