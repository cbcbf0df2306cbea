"""Checks that what a caller passes as a callable is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

C = TypeVar("C", bound=Callable[..., object])


def checked_callable(what: str, value: C, remedy: str) -> C:
    """*value*, where it is callable."""
    if not callable(value):
        raise TypeError(f"{what} is {value!r}: give {remedy}")
    return value
