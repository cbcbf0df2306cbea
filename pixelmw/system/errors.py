"""A copy of an exception, for each of several threads that are told of one failure."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def copy_of(error: Exception) -> Exception:
    """Return an exception of the class and with the words of *error*, without its traceback and cause.

    If several threads raised one instance, its traceback would grow with each.
    """
    makers: tuple[Callable[[Exception], Exception], ...] = (copy.copy, _without_init)
    for make in makers:
        with suppress(Exception):  # its __init__ may want more than its words
            twin = make(error)
            if twin is not error and type(twin) is type(error) and str(twin) == str(error):
                return twin
    return RuntimeError(f"{type(error).__name__}, which cannot be shown")


def _without_init(error: Exception) -> Exception:
    """Make a copy by what Python itself has for *error*: its class may want other arguments than it passed on."""
    kind = type(error)
    built_in: Any = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    twin: Exception = kind.__new__(kind, *error.args)
    built_in.__init__(twin, *error.args)
    twin.__dict__.update(error.__dict__)
    return twin
