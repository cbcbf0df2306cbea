"""Compiles a schema into checks that decide whether a value satisfies it, each in time in proportion to the value."""

from .compiler import Compiler
from .node import Check, Memory, Node, Path, Rule, all_hold
from .searches import assume_matches, too_long_for, too_long_texts
from .switch import Switch

__all__ = [
    "Check",
    "Compiler",
    "Memory",
    "Node",
    "Path",
    "Rule",
    "Switch",
    "all_hold",
    "assume_matches",
    "too_long_for",
    "too_long_texts",
]
