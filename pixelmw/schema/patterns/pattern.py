"""A pattern of a schema, ready to search texts with, and the steps that it may take for that."""

from __future__ import annotations

import math
import re

from .cost import bounds_of, most_characters
from .emit import emit
from .parse import parse
from .paths import Bound
from .tree import PatternError, width_of

_MAX_LENGTH = 40_000  # characters of a pattern; it takes up to a second to judge one of these


class TooMuchText(Exception):
    """The texts of one request could take more steps than are allowed to search them with the schema's patterns."""


class Pattern:
    """A pattern of a schema.

    :param text: the pattern, as ECMA-262 has it.
    :param max_steps: the steps that all searches of one request may take; ``None`` is without bound.
    :raises PatternError: if it is none, cannot be supported, or may take exponential time.
    :ivar search: searches a text, from its start; returns ``None`` if there is no match.
    :ivar max_characters: the length of the longest text that may be searched; ``None`` if any may.
    """

    def __init__(self, text: str, max_steps: int | None) -> None:
        if len(text) > _MAX_LENGTH:
            raise PatternError(f"has {len(text)} characters, and at most {_MAX_LENGTH} are judged")
        try:
            parsed = parse(text)
            bounds = bounds_of(parsed)
            self.search = re.compile(emit(parsed), re.ASCII).search
        except RecursionError:
            raise PatternError("is nested too deep") from None
        self.text = text
        self.max_steps = max_steps
        self.max_characters = None if max_steps is None else most_characters(bounds, max_steps)
        if self.max_characters is not None and width_of(parsed).low > self.max_characters:
            raise PatternError(
                f"takes so many steps that no text of more than {self.max_characters} characters may be searched, "
                "and it matches none that is shorter: see Limits.pattern_steps"
            )
        self._bounds: list[Bound] = [] if self.max_characters is None else bounds

    def steps(self, characters: int) -> int:
        """The steps that the search of a text may take; 0 for a pattern whose steps grow no faster than a text."""
        return min(
            (bound.factor * characters**bound.degree // math.factorial(bound.degree) for bound in self._bounds),
            default=0,
        )


class Patterns:
    """The patterns of a schema, each made once.

    :param max_steps: see :class:`Pattern`.
    """

    def __init__(self, max_steps: int | None) -> None:
        self._max_steps = max_steps
        self._known: dict[str, Pattern] = {}

    def get(self, text: str) -> Pattern:
        """The pattern *text*.

        :raises PatternError: see :class:`Pattern`.
        """
        if text not in self._known:
            self._known[text] = Pattern(text, self._max_steps)
        return self._known[text]
