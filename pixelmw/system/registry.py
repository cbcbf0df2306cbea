"""Things that exist somewhere, to be looked through while other threads make more of them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Registry(Generic[_T]):
    """Holds things by weak references, in the order in which they came.

    Any thread may add one at any time, also in the middle of a fork or of a look at all of them. So there is no lock:
    each change and each copy is one call of a method that is written in C.
    """

    def __init__(self) -> None:
        self._references: dict[int, weakref.ref[_T]] = {}

    def add(self, thing: _T) -> None:
        """Hold *thing* as long as it exists."""
        references, key = self._references, id(thing)
        references[key] = weakref.ref(thing, lambda _: references.pop(key, None))

    def discard(self, thing: _T) -> None:
        """Hold *thing* no more, if it is held."""
        self._references.pop(id(thing), None)

    def clear(self) -> None:
        """Hold nothing any more."""
        self._references.clear()

    def __len__(self) -> int:
        return len(self._references)

    def __iter__(self) -> Iterator[_T]:
        """Yield what is held now; what is added meanwhile is not among it."""
        for reference in list(self._references.values()):
            if (thing := reference()) is not None:
                yield thing
