"""Searches texts with a schema's patterns: each text once in a request, and no more than the limit of steps allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..patterns import Pattern, TooMuchText
from ..values import JSON_TYPES
from .node import Check, Memory, Path

# A shorter text is searched again as quickly as an answer is remembered.
_REMEMBERED = 100  # characters

_STEPS = ("steps", 0)
_ASSUMED = ("assumed", 0)
_TOO_LONG = "too long"


def pattern_check(pattern: Pattern) -> Check:
    """Make the check of ``pattern``. A text that is too long for it does not satisfy it, see :func:`assume_matches`."""
    search, most = pattern.search, pattern.max_characters

    def check(value: Any, memory: Memory) -> bool:
        if type(value) is not str:
            return type(value) in JSON_TYPES
        if len(value) <= _REMEMBERED and most is None:
            return search(value) is not None
        if most is not None and len(value) > most:
            memory[_TOO_LONG, id(value)] = (value, pattern)
            return _ASSUMED in memory
        key = (pattern, id(value))
        if key not in memory:
            _spend(memory, pattern, len(value))
            memory[key] = (value, search(value) is not None)
        return bool(memory[key][1])

    return check


def _spend(memory: Memory, pattern: Pattern, characters: int) -> None:
    spent = memory.get(_STEPS, (None, 0))[1] + pattern.steps(characters)
    if pattern.max_steps is not None and spent > pattern.max_steps:
        raise TooMuchText
    memory[_STEPS] = (None, spent)


def name_search(pattern: Pattern) -> Callable[[str], object]:
    """Make what searches a property's name; it returns ``None`` if there is no match.

    It raises :exc:`TooMuchText` for a name that is too long for the pattern.
    """
    search, most = pattern.search, pattern.max_characters
    if most is None:
        return search

    def search_short(name: str) -> object:
        if len(name) > most:
            raise TooMuchText
        return search(name)

    return search_short


def too_long_for(text: Any, memory: Memory) -> Pattern | None:
    """The pattern that was to search *text*, which is too long for it; ``None`` if there was none."""
    found: Pattern | None = memory.get((_TOO_LONG, id(text)), (None, None))[1]
    return found


def too_long_texts(event: Any, memory: Memory) -> list[tuple[Path, str, Pattern]]:
    """The texts in *event* that were too long to be searched, each with its path and the pattern."""
    if not any(key[0] == _TOO_LONG for key in memory):
        return []
    found: list[tuple[Path, str, Pattern]] = []
    waiting: list[tuple[Path, Any]] = [((), event)]
    for path, value in waiting:
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting += [((*path, segment), child) for segment, child in children]
        if pattern := too_long_for(value, memory):
            found.append((path, value, pattern))
    return found


def assume_matches() -> Memory:
    """A memory for a second judgement, where each text that is too long for a pattern satisfies it.

    Nobody knows whether it does. An event is valid if it is valid either way.
    """
    return {_ASSUMED: (None, None)}
