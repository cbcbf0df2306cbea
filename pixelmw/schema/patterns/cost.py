"""Tells from a parsed pattern how long a search with it may take."""

from __future__ import annotations

import math
from bisect import bisect_right

from .paths import Bound, bound_of
from .positions import SKIPPED, START, Automaton, automata
from .tree import Node, PatternError

# A smaller factor is left out of account: two optional spaces, or an id of 64 digits sought anywhere in a text.
# A loop that hands over to the next one in several ways, such as by an optional space, is counted by the degree, too: a
# schedule of six numbers with optional spaces has the factor 49,670, and takes 3 * n**6 / 6! steps by measurement.
_FEW_WAYS = 100
_FEW_WAYS_BY_DEGREE = 4
# With more ways than these, and the default of 2,000,000 steps, not even texts of 20 characters would be allowed.
_MANY_WAYS = 100_000
_MAX_SIZE = 1_000  # of all sets of positions that are tried to prove that every text succeeds; usually two, of two

_LONGEST = 2**40  # no text has as many characters
_LINEAR = Bound(1, 1)


def bounds_of(pattern: Node) -> list[Bound]:
    """Bounds for the steps of a search, each of which holds; at least one.

    :raises PatternError: if a search may take exponential time.
    """
    exact = _bound(*automata(pattern))
    if exact and exact.factor < _FEW_WAYS * _FEW_WAYS_BY_DEGREE ** (exact.degree - 1):
        return [Bound(exact.degree, 1)]
    # Repetitions that are written out may have many ways to share a text. As loops they have a degree instead.
    bounds = [exact, _bound(*automata(pattern, written_out=1))] if exact else []
    useful = [bound for bound in bounds if bound and bound.factor < _MANY_WAYS]
    if not useful:
        raise PatternError(
            "takes exponential time on some texts: a part that is repeated can match one text in two ways"
        )
    return useful


def most_characters(bounds: list[Bound], steps: int) -> int | None:
    """The length of the longest text that takes at most that many *steps*; ``None`` if each length does."""
    if _LINEAR in bounds:
        return None
    return max(_length(bound, steps) for bound in bounds)


def _length(bound: Bound, steps: int) -> int:
    allowed = steps * math.factorial(bound.degree)
    lengths = range(min(steps * bound.degree + 2, _LONGEST))
    return bisect_right(lengths, allowed, key=lambda length: bound.factor * length**bound.degree) - 1


def _bound(possible: Automaton, certain: Automaton) -> Bound | None:
    ended = possible.matched | ({START, SKIPPED} if certain.matches_empty else set())
    bound = bound_of(possible, ended)
    if bound and bound.degree == 1 and bound.factor < _FEW_WAYS:
        return bound
    sure = _SureSuccess(certain)
    succeeding = {each for each in range(SKIPPED, len(certain.follow)) if each not in ended and sure.at(each)}
    return bound_of(possible, ended | succeeding) if succeeding else bound


class _SureSuccess:
    """Finds the positions from where every text succeeds, by trying all texts on sets of positions."""

    def __init__(self, certain: Automaton) -> None:
        self._certain = certain
        self._size_left = _MAX_SIZE
        self._kinds = _kinds({symbol & certain.inside for symbol in certain.symbols} - {0})

    def at(self, position: int) -> bool:
        """Return True if a search that has come to *position* succeeds, whatever text comes next."""
        seen = {frozenset({position})}
        waiting = list(seen)
        for positions in waiting:
            self._size_left -= len(positions)
            if self._size_left < 0 or not self._succeeds_at_end(positions):
                return False
            for kind in self._kinds:
                after = self._after(positions, kind)
                if not after & self._certain.matched and after not in seen:
                    seen.add(after)
                    waiting.append(after)
        return True

    def _after(self, positions: frozenset[int], kind: int) -> frozenset[int]:
        certain = self._certain
        return frozenset(
            after for position in positions for after in certain.follow[position] if certain.symbols[after] & kind
        )

    def _succeeds_at_end(self, positions: frozenset[int]) -> bool:
        seen: set[frozenset[int]] = set()
        while positions not in seen:
            if positions & self._certain.matched:
                return True
            seen.add(positions)
            positions = self._after(positions, self._certain.end)
        return False


def _kinds(symbols: set[int]) -> list[int]:
    """Characters that *symbols* do not tell apart, and last the characters that are in none of them."""
    kinds: list[int] = []
    for symbol in symbols:
        split = []
        for kind in kinds:
            split += [part for part in (kind & symbol, kind & ~symbol) if part]
            symbol &= ~kind
        kinds = [*split, *([symbol] if symbol else [])]
    return kinds
