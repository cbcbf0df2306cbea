"""Compiles a schema into checks that decide whether a value satisfies it, each in time in proportion to the value."""

from .compiler import Compiler
from .keywords import search_of
from .node import Check, Memory, Node, Path, Rule
from .switch import Switch

__all__ = ["Check", "Compiler", "Memory", "Node", "Path", "Rule", "Switch", "search_of"]
