"""A copy of an exception, for each of several threads that are told of one failure."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def copy_of(error: Exception) -> Exception:
    """Return an exception of the class and with the words of *error*, without its traceback and cause.

    If several threads raised one instance, its traceback would grow with each. Where no instance of its class can be
    made, or each has other words, the copy is of the nearest base class that takes the words.
    """
    makers: tuple[Callable[[Exception], Exception], ...] = (copy.copy, _without_init)
    for make in makers:
        with suppress(Exception):  # its __init__ may want more than its words
            twin = make(error)
            if twin is not error and type(twin) is type(error) and str(twin) == str(error):
                return twin
    return _of_a_base(error)


def _without_init(error: Exception) -> Exception:
    """Make a copy by what Python itself has for *error*: its class may want other arguments than it passed on."""
    kind = type(error)
    built_in: Any = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    arguments = built_in.__reduce__(error)[1]  # of an OSError, its args lack the name of the file
    twin: Exception = built_in.__new__(kind, *arguments)
    built_in.__init__(twin, *arguments)
    twin.__dict__.update(error.__dict__)
    return twin


def _of_a_base(error: Exception) -> Exception:
    """Make an exception of a base class of *error*: who handles errors of that kind handles this one, too."""
    words = f"{type(error).__name__}, which cannot be shown"
    with suppress(Exception):
        words = str(error)
    for base in type(error).__mro__[1:-2]:  # the last ones are BaseException and object
        with suppress(Exception):
            twin = base(words)
            twin.__dict__.update(error.__dict__)
            if isinstance(error, OSError):
                twin.errno = error.errno
            if isinstance(twin, Exception) and str(twin) == words:
                return twin
    return Exception(words)
