"""Counts the paths that a backtracking search may try: exponentially many, or at most so many.

Two paths that read the same text are a pair of positions that moves through
the automaton. If a position has two ways back to itself by one text, each
repetition of that text doubles the paths. If a loop can hand over to a second
loop at each character that both go on with, there is one path for each place
where that may happen: of n characters, n of them, and so on for more loops.
(Weber and Seidl, On the degree of ambiguity of finite automata, 1991.)

From some positions every text succeeds. Only one path ever comes to them: the
one that succeeds. All other paths leave it and fail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from .components import components
from .positions import SKIPPED, START, Automaton, Ways
from .tree import PatternError

# The most work that is done for one pattern, in moves of two or three positions; about 0.1 s.
_MAX_MOVES = 100_000

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Bound:
    """The most paths that a search in a text of n characters can try: *factor* * n**degree / degree!."""

    degree: int
    factor: int


def bound_of(automaton: Automaton, sure: set[int]) -> Bound | None:
    """The bound for *automaton*; ``None`` if the paths can double with each repetition of a text.

    :param sure: the positions from where every text succeeds.
    :raises PatternError: if the automaton is too large to tell.
    """
    paths = _Paths(automaton, sure)
    return None if paths.can_double() else Bound(paths.handovers() + 1, paths.factor())


class _Paths:
    def __init__(self, automaton: Automaton, sure: set[int]) -> None:
        self.symbols = automaton.symbols
        self.sure = sure
        self.follow = automaton.follow
        self.moves = 0
        #: The connections of the paths that fail.
        self.failing: list[Ways] = [
            {} if position in sure else {after: ways for after, ways in follow.items() if after not in sure}
            for position, follow in enumerate(automaton.follow)
        ]
        self.loop_of = components(self.failing)
        self.succeeding_loop_of = components(self.follow)
        self.pairs, self.pair_follow = self._reachable_pairs()

    def _count_moves(self, moves: int) -> None:
        self.moves += moves
        if self.moves > _MAX_MOVES:
            raise PatternError("is too large to rule out that a search with it takes exponential time")

    def _moves_of(self, pair: Pair) -> Iterator[Pair]:
        """The pairs that *pair* can move to by one character; those that are each other's mirror image are one."""
        one, other = pair
        first, second = self.follow[one], self.follow[other]
        if one != other:  # the path that succeeds and one that fails, or two that fail
            first = self.failing[one] if other in self.sure else first
            second = self.failing[other] if one in self.sure else second
        self._count_moves(len(first) * len(second))
        for one_after in first:
            symbol = self.symbols[one_after]
            for other_after in second:
                if symbol & self.symbols[other_after]:
                    both_sure = one_after in self.sure and other_after in self.sure
                    if not both_sure or (one == other and one_after == other_after):
                        yield (one_after, other_after) if one_after <= other_after else (other_after, one_after)

    def _reachable_pairs(self) -> tuple[dict[Pair, int], list[list[int]]]:
        """The pairs that can be reached from the start, with numbers, and the numbers that each one leads to."""
        pairs = {(START, START): 0}
        follow: list[list[int]] = []
        for pair in (waiting := [(START, START)]):
            after = set(self._moves_of(pair))
            new = sorted(each for each in after if each not in pairs)
            pairs.update(zip(new, range(len(pairs), len(pairs) + len(new)), strict=True))
            waiting += new
            follow.append([pairs[each] for each in after])
        return pairs, follow

    def _looping(self, among: set[int]) -> dict[int, list[Pair]]:
        """The pairs that can come back to themselves by pairs *among* these, by the component that they are in."""
        follow = [
            [after for after in follow if after in among] if number in among else []
            for number, follow in enumerate(self.pair_follow)
        ]
        component_of = components(follow)
        looping = defaultdict(list)
        for pair, number in self.pairs.items():
            looping[component_of[number]].append(pair)
        return {
            component: pairs
            for component, pairs in looping.items()
            if len(pairs) > 1 or self.pairs[pairs[0]] in follow[self.pairs[pairs[0]]]
        }

    def can_double(self) -> bool:
        """Return True if a position has two ways back to itself by the same text."""
        failing = {number for pair, number in self.pairs.items() if not self.sure & {*pair}}
        for pairs in self._looping(failing).values():
            same = {one for one, other in pairs if one == other}
            if same and len(same) < len(pairs):
                return True
            if any(self.failing[one][other] > 1 for one in same for other in self.failing[one].keys() & same):
                return True
        return False

    def handovers(self) -> int:
        """The most handovers from loop to loop, one after another, that a text leaves open."""
        handing: dict[int, set[int]] = defaultdict(set)
        handed_by_success: set[int] = set()
        for pairs in self._looping(set(self.pairs.values())).values():
            for pair in pairs:
                for source, target in (pair, pair[::-1]):
                    earlier, later = self.loop_of[source], self.loop_of[target]
                    if source == target or target in self.sure or earlier in handing[later]:
                        continue
                    if source in self.sure:
                        if later not in handed_by_success and self._hands_over(source, target):
                            handed_by_success.add(later)
                    elif earlier > later and self._hands_over(source, target):
                        handing[later].add(earlier)
        most: dict[int, int] = defaultdict(int, dict.fromkeys(handed_by_success, 1))
        loops = sorted(range(len(self.failing)), key=self.loop_of.__getitem__, reverse=True)
        for position in loops:
            loop = self.loop_of[position]
            most[loop] = max(most[loop], *(most[earlier] + 1 for earlier in handing[loop]), 0)
            for after in self.failing[position]:
                most[self.loop_of[after]] = max(most[self.loop_of[after]], most[loop])
        return max(most.values())

    def _hands_over(self, source: int, target: int) -> bool:
        """Return True if a text leads from *source* to itself, from *source* to *target*, and from that to itself.

        It is sought by moving three positions at a time.
        """
        succeeds = source in self.sure
        follow, loop_of = (self.follow, self.succeeding_loop_of) if succeeds else (self.failing, self.loop_of)
        begin, goal = (source, source, target), (source, target, target)
        seen = {begin}
        for stays, moves, ends in (waiting := [begin]):
            moving = follow[moves] if moves == stays else self.failing[moves]
            self._count_moves(len(follow[stays]) * len(self.failing[ends]))
            for one in follow[stays]:
                if loop_of[one] != loop_of[source]:
                    continue
                for three in self.failing[ends]:
                    symbol = self.symbols[one] & self.symbols[three]
                    if not symbol or self.loop_of[three] != self.loop_of[target]:
                        continue
                    self._count_moves(len(moving))
                    for two in moving:
                        triple = (one, two, three)
                        if not symbol & self.symbols[two] or (two in self.sure and two != one) or triple in seen:
                            continue
                        if triple == goal:
                            return True
                        seen.add(triple)
                        waiting.append(triple)
        return False

    def factor(self) -> int:
        """The most paths by which one text can lead to a position, with each handover made at a given place.

        Positions that one text can lead to count together.
        """
        entries: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for position, follow in enumerate(self.follow):
            for after, ways in follow.items():
                if after not in self.sure and (position in self.sure or self.loop_of[after] != self.loop_of[position]):
                    entries[self.loop_of[after]].append((position, ways))
        members: dict[int, list[int]] = defaultdict(list)
        for position, loop in enumerate(self.loop_of):
            members[loop].append(position)
        ways_to = dict.fromkeys(self.sure, 1)
        for loop in sorted(members, reverse=True):
            if not self.sure & {*members[loop]}:
                # A loop that is passed by is a loop of no round, and its rounds are counted by the degree.
                loops = {self.loop_of[each] for each, _ in entries[loop] if self._is_loop(members[self.loop_of[each]])}
                passing = {each for passed in loops - {loop} for each, _ in entries[passed]}
                into = [(each, ways * ways_to[each]) for each, ways in entries[loop] if each not in passing]
                ways_to |= dict.fromkeys(members[loop], self._ways_into(members[loop], into))
        together = dict(ways_to)
        for one, other in self.pairs:
            if one != other and one > SKIPPED:
                together[one] += ways_to[other]
                together[other] += ways_to[one]
        return max(together.values())

    def _ways_into(self, members: list[int], entries: list[tuple[int, int]]) -> int:
        if len(entries) < 2:
            return max((ways for _, ways in entries), default=1)
        self._count_moves(len(entries) ** 2)
        # A path may also come into a loop later than another one, which has been in it for some time.
        stayed = members if self._is_loop(members) else []
        later = {each for each, _ in entries if any(self._meet(each, member) for member in stayed)}
        return max(
            sum(ways for other, ways in entries if other == one or {one, other} & later or self._meet(one, other))
            for one, _ in entries
        )

    def _is_loop(self, members: list[int]) -> bool:
        return len(members) > 1 or members[0] in self.failing[members[0]]

    def _meet(self, one: int, other: int) -> bool:
        """Return True if one text can lead to both positions."""
        return ((one, other) if one <= other else (other, one)) in self.pairs
