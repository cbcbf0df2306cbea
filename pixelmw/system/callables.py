"""Checks at construction that an argument can be called."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_C = TypeVar("_C", bound=Callable[..., object])


def checked_callable(argument_name: str, value: _C, remedy: str) -> _C:
    """*value*, if it is callable.

    :param argument_name: what the error message calls it.
    :param remedy: what the error message tells the caller to give instead.
    :raises TypeError: if it is not callable.
    """
    if not callable(value):
        raise TypeError(f"{argument_name} is {value!r}: give {remedy}")
    return value
