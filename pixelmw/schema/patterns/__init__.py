"""Patterns of JSON Schema: the regular expressions of ECMA-262, run by Python, with a bound for what a search costs."""

from .pattern import Pattern, Patterns, TooMuchText
from .tree import PatternError

__all__ = ["Pattern", "PatternError", "Patterns", "TooMuchText"]
