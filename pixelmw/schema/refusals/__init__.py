"""Refuses an event: finds the one fault that is reported, or all of them, and words it."""

from .every import refusals_of
from .find import find_fault
from .phrases import name_of
from .words import refusal_of, refusal_of_length

__all__ = ["find_fault", "name_of", "refusal_of", "refusal_of_length", "refusals_of"]
