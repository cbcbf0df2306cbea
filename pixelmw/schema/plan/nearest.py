"""Finds the planned name that is nearest to another one, in a time that does not grow with the plan or the name."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable

# difflib takes about 10 microseconds to compare two names of 20 characters, and four times that of 64.
_MAX_COMPARED = 16  # names
_MAX_CHARACTERS = 64
# So many names that begin a word alike are looked at, and so many words of the other name.
_MAX_ALIKE = 200
_MAX_WORDS = 8
# Of 1, which is the same name. "Order Complete" and "Order Completed" are 0.97 alike, "Sign Up" and "Signed Up" 0.88.
_CUTOFF = 0.7

_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+|[^\W_]+")


class NearestName:
    """The names of a plan.

    :param names: those names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)
        self._alike: dict[str, list[int]] = {}

    def find(self, name: str) -> str | None:
        """The planned name that is nearest to *name*; ``None`` if none is near."""
        if len(name) > _MAX_CHARACTERS:
            return None
        candidates = {_plain(each): each for each in reversed(self._candidates(name))}
        found = difflib.get_close_matches(_plain(name), candidates, 1, _CUTOFF)
        return candidates[found[0]] if found else None

    def _candidates(self, name: str) -> list[str]:
        if len(self._names) <= _MAX_COMPARED:
            return self._names
        if not self._alike:  # made at the first slip
            for index, planned in enumerate(self._names):
                for beginning in _beginnings(planned):
                    self._alike.setdefault(beginning, []).append(index)
        shared = Counter[int]()
        for beginning in _beginnings(name)[:_MAX_WORDS]:
            shared.update(self._alike.get(beginning, ())[:_MAX_ALIKE])
        return [self._names[index] for index, _ in shared.most_common(_MAX_COMPARED)]


def _plain(name: str) -> str:
    """*name* without what is often spelled otherwise: case, the order of words, and what stands between them."""
    return " ".join(sorted(word.lower() for word in _words(name)))


def _words(name: str) -> list[str]:
    return _WORDS.findall(name[:_MAX_CHARACTERS])


def _beginnings(name: str) -> list[str]:
    return list(dict.fromkeys(word[:3].lower() for word in _words(name)))
