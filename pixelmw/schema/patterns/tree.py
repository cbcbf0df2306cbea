"""The parsed form of a regular expression."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .characters import Ranges


class PatternError(ValueError):
    """A pattern that cannot be used; the message says why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Characters:
    """One character out of a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Assertion:
    r"""The start (``^``) or the end (``$``) of the text, a word boundary (``b``), or none (``B``)."""

    kind: Literal["^", "$", "b", "B"]


@dataclass(frozen=True, slots=True)
class Look:
    """A look-ahead or look-behind."""

    body: Node
    behind: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts, one after another."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives; the first one that fits counts."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A body, between *low* and *high* times; ``None`` is without bound."""

    body: Node
    low: int
    high: int | None
    lazy: bool


Node = Characters | Assertion | Look | Sequence | Choice | Repeat


@dataclass(frozen=True, slots=True)
class Width:
    """How many characters a node can match.

    :ivar low: the fewest.
    :ivar high: the most; ``None`` is without bound.
    :ivar surely_empty: True if it matches the empty string everywhere, so that a
        repetition of it is never held up.
    """

    low: int
    high: int | None
    surely_empty: bool


def width_of(node: Node) -> Width:
    """How many characters *node* can match."""
    match node:
        case Characters():
            return Width(1, 1, surely_empty=False)
        case Assertion() | Look():
            return Width(0, 0, surely_empty=False)
        case Sequence(parts):
            widths = [width_of(part) for part in parts]
            return Width(sum(each.low for each in widths), _sum(widths), all(each.surely_empty for each in widths))
        case Choice(branches):
            widths = [width_of(branch) for branch in branches]
            highs = [each.high for each in widths if each.high is not None]
            high = max(highs) if len(highs) == len(widths) else None
            return Width(min(each.low for each in widths), high, any(each.surely_empty for each in widths))
        case Repeat(body, low, high):
            width = width_of(body)
            most = 0 if width.high == 0 else None if high is None or width.high is None else high * width.high
            return Width(low * width.low, most, low == 0 or width.surely_empty)


def _sum(widths: Iterable[Width]) -> int | None:
    highs = [each.high for each in widths]
    return None if None in highs else sum(high for high in highs if high is not None)
