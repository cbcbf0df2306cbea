"""Something that is done at the first look into a mapping in each process, at no cost for later ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .fork import tell_children


class Names(Protocol):
    """What a shell looks each path up in."""

    def get(self, name: Any, /) -> Any:
        """Return what *name* stands for, or ``None``."""


class FirstLook:
    """Stands in the place of *names* until somebody looks into them, which calls *call*; a child begins anew.

    Whoever looks while that lasts goes on without waiting. A child that a server written in C forked without Python's
    hooks counts as begun if its parent has.

    :param put: has its owner look into what it is called with, from now on.
    """

    def __init__(self, names: Names, call: Callable[[], object], put: Callable[[Names], object]) -> None:
        self._names = names
        self._call = call
        self._put = put
        self.begin_child()
        tell_children(self)

    @property
    def is_over(self) -> bool:
        """True once the call was made in this process, or is being made."""
        return not self._turn

    def get(self, name: Any, /) -> Any:
        """Return what *name* stands for, after the call."""
        self.end()
        return self._names.get(name)

    def replace(self, names: Names) -> None:
        """Have *names* looked into instead."""
        self._names = names
        self._put(self if self._turn else names)

    def end(self) -> None:
        """Make the call, if nobody has."""
        self._put(self._names)
        try:
            self._turn.pop()  # one thread can, and no other
        except IndexError:
            return
        self._call()

    def begin_child(self) -> None:
        """Begin anew: there was no look in this process."""
        self._turn = [True]
        self._put(self)
