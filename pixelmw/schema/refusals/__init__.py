"""Refuses an event: finds the one fault that is reported, and words it."""

from .find import find_fault
from .phrases import name_of
from .words import refusal_of, refusal_of_length

__all__ = ["find_fault", "name_of", "refusal_of", "refusal_of_length"]
