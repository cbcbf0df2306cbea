"""Makes the position automaton of a parsed pattern: the paths that a backtracking search may try.

A position is one set of characters in the pattern (Glushkov's construction).
The automaton has a path for each way in which Python's search can read a text.
It may have more: an assertion is taken to hold, and a repetition with large
numbers to have no bound. So it is made a second time, with the paths that
certainly succeed: there an assertion never holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .characters import EVERY, Ranges
from .tree import Assertion, Characters, Choice, Look, Node, PatternError, Repeat, Sequence, width_of

# The first position is where a search starts, before the text. The second one skips characters, since a search also
# starts at every later place.
START, SKIPPED = 0, 1
# Every text is read as if it stood between these two, so that ^ and $ are sets of characters, too.
_BEGIN, _END = ((-2, -2),), ((-1, -1),)
# A repetition of up to this many positions, or twice as many if it repeats more than one, is written out. A larger one
# is taken for a loop: an id of 64 hexadecimal digits is exact, and a text of up to 1,000 characters is one loop.
_WRITTEN_OUT = 64
# The most that is judged; a list of all countries by name has 3,000 characters. The time is about 1 us a connection.
_MAX_POSITIONS = 10_000
_MAX_CONNECTIONS = 100_000

#: Position -> number of ways.
Ways = dict[int, int]


@dataclass(slots=True)
class _Part:
    """A part of the pattern.

    :ivar empty: in how many ways it matches the empty string.
    :ivar first: the positions that it can start with.
    :ivar last: the positions that it can end with.
    """

    empty: int
    first: Ways = field(default_factory=dict)
    last: Ways = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Automaton:
    """The position automaton of a pattern.

    :ivar symbols: position -> a bit for each kind of character that it matches.
    :ivar follow: position -> the positions that can come next, and in how many ways.
    :ivar matched: the positions where a match ends.
    :ivar matches_empty: True if the pattern matches every text without reading any of it.
    :ivar inside: the symbol of all characters.
    :ivar end: the symbol of the end of the text.
    """

    symbols: list[int]
    follow: list[Ways]
    matched: set[int]
    matches_empty: bool
    inside: int
    end: int


def automata(pattern: Node, written_out: int = _WRITTEN_OUT) -> tuple[Automaton, Automaton]:
    """The automaton of all paths through *pattern*, and the one of the paths that certainly succeed.

    The positions of the two are the same.

    :param written_out: a repetition of more positions than this is taken for a loop.
    :raises PatternError: if the pattern is too large to be judged.
    """
    possible = _Builder(written_out, certain=False)
    whole = possible.part(pattern)
    certain = _Builder(written_out, certain=True)
    sure = certain.part(pattern)
    *symbols, inside, end = _symbols([*possible.sets, EVERY, _END])
    for builder, first in ((possible, whole.first), (certain, sure.first)):
        for position in (START, SKIPPED):
            builder.follow[position] = {SKIPPED: 1, **first}
        _drop_impossible(builder)
    return (
        Automaton(symbols, possible.follow, set(sure.last), bool(sure.empty), inside, end),
        Automaton(symbols, certain.follow, set(sure.last), bool(sure.empty), inside, end),
    )


class _Builder:
    def __init__(self, written_out: int, *, certain: bool) -> None:
        self.certain = certain
        self.written_out = written_out
        self.sets: list[Ranges] = [(), (*_BEGIN, *EVERY)]
        self.follow: list[Ways] = [{}, {}]
        self.connections = 0
        self._behind = False  # whether the part is inside a look-behind

    def part(self, node: Node) -> _Part:
        match node:
            case Characters(ranges):
                # A look-behind reads other characters than those that come next.
                return self._position(EVERY if self._behind else ranges)
            case Assertion("^" | "$" as kind) if not self._behind:
                return self._position(_BEGIN if kind == "^" else _END)
            case Assertion():
                return _Part(empty=not self.certain)
            case Look(body, behind):
                return self._look(body, behind)
            case Sequence(parts):
                return self._sequence(self.part(each) for each in parts)
            case Choice(branches):
                return self._choice([each.parts if isinstance(each, Sequence) else (each,) for each in branches])
            case Repeat(body, low, high):
                return self._repeat(body, low, high)

    def _position(self, ranges: Ranges) -> _Part:
        if len(self.sets) > _MAX_POSITIONS:
            raise PatternError("is too large to tell how long a search with it may take")
        position = len(self.sets)
        self.sets.append(ranges)
        self.follow.append({})
        return _Part(0, {position: 1}, {position: 1})

    def _connect(self, last: Ways, first: Ways) -> None:
        self.connections += len(last) * len(first)
        if self.connections > _MAX_CONNECTIONS:
            raise PatternError("is too large to tell how long a search with it may take")
        for position, ways in last.items():
            follow = self.follow[position]
            for successor, more in first.items():
                follow[successor] = follow.get(successor, 0) + ways * more

    def _look(self, body: Node, behind: bool) -> _Part:
        outside, self._behind = self._behind, self._behind or behind
        part = self.part(body)
        self._behind = outside
        # What comes next is tried whether the body matches or not. Its matches count like any other paths: there is one
        # each time that the assertion is asked.
        return _Part(0) if self.certain else _Part(1, part.first)

    def _choice(self, branches: list[tuple[Node, ...]]) -> _Part:
        """Branches, with what they begin with in common read once: a list of words is a tree."""
        by_first: dict[Node | None, list[tuple[Node, ...]]] = {}
        for branch in branches:
            by_first.setdefault(branch[0] if branch else None, []).append(branch)
        return _either(*map(self._alike, by_first.values()))

    def _alike(self, branches: list[tuple[Node, ...]]) -> _Part:
        """Branches with the same first part."""
        if len(branches) == 1 or not branches[0] or not isinstance(branches[0][0], Characters):
            return _either(*(self._sequence(map(self.part, branch)) for branch in branches))
        common = next(
            (
                index
                for index, parts in enumerate(zip(*branches, strict=False))
                if len(set(parts)) > 1 or not isinstance(parts[0], Characters)
            ),
            min(map(len, branches)),
        )
        rest = self._choice([branch[common:] for branch in branches])
        return self._sequence([*map(self.part, branches[0][:common]), rest])

    def _sequence(self, parts: Iterable[_Part]) -> _Part:
        whole = _Part(1)
        for part in parts:
            self._connect(whole.last, part.first)
            whole.first = _sum(whole.first, part.first, whole.empty)
            whole.last = _sum(part.last, whole.last, part.empty)
            whole.empty *= part.empty
        return whole

    def _repeat(self, body: Node, low: int, high: int | None) -> _Part:
        if high == 0:
            return _Part(1)
        if low > 1 and width_of(body).surely_empty:
            low = 0
        start = len(self.sets)
        first = self.part(body)
        copies = max(low, 1) if high is None else high
        size = len(self.sets) - start
        if copies * size > self.written_out * (2 if size > 1 else 1):
            return self._coarse_loop(first, low, high)
        parts = [first, *(self.part(body) for _ in range(copies - 1))]
        if high is None:
            self._connect(parts[-1].last, parts[-1].first)
            needed, optional = parts[: max(low, 1)], _Part(1)
        else:
            needed, optional = parts[:low], _Part(1)
            for part in reversed(parts[low:]):
                optional = _or_nothing(self._sequence([part, optional]))
        whole = self._sequence([*needed, optional])
        return whole if low or high is not None else _or_nothing(whole)

    def _coarse_loop(self, body: _Part, low: int, high: int | None) -> _Part:
        """A repetition whose numbers are left out of account."""
        if not self.certain or high is None:
            self._connect(body.last, body.first)
        if self.certain and low > 1:
            body.last = {}
        return body if low else _or_nothing(body)


def _either(*parts: _Part) -> _Part:
    whole = _Part(0)
    for part in parts:
        whole.empty += part.empty
        _add(whole.first, part.first)
        _add(whole.last, part.last)
    return whole


def _or_nothing(part: _Part) -> _Part:
    return _Part(part.empty + 1, part.first, part.last)


def _add(ways: Ways, more: Ways, times: int = 1) -> None:
    for position, number in more.items():
        ways[position] = ways.get(position, 0) + number * times


def _sum(ways: Ways, more: Ways, times: int) -> Ways:
    """*ways*, and *more* that many *times*; neither is changed."""
    if not times:
        return ways
    total = dict(ways)
    _add(total, more, times)
    return total


def _symbols(sets: list[Ranges]) -> list[int]:
    """The sets as numbers with a bit for each kind of character. Characters of one kind are in the same sets."""
    edges = sorted({edge for ranges in set(sets) for low, high in ranges for edge in (low, high + 1)})
    bit = {edge: 1 << index for index, edge in enumerate(edges)}
    known = {ranges: sum(bit[high + 1] - bit[low] for low, high in ranges) for ranges in set(sets)}
    return [known[ranges] for ranges in sets]


def _drop_impossible(builder: _Builder) -> None:
    """Drop the connections to the beginning of the text from inside of it, and from its end back into it."""
    for position, follow in enumerate(builder.follow):
        ranges = builder.sets[position]
        inside = position > SKIPPED and ranges != _BEGIN
        for successor in list(follow):
            if (inside and builder.sets[successor] == _BEGIN) or (ranges == _END and builder.sets[successor] != _END):
                del follow[successor]
