"""A copy of an exception, for each of several threads that are told of one failure."""

from __future__ import annotations

import copy

# Of an exception that cannot be copied, the nearest base that can be made of its words alone.
_FALLBACK = RuntimeError


def copy_of(error: Exception) -> Exception:
    """Return an exception of the class and with the words of *error*, without its traceback and cause.

    If several threads raised one instance, its traceback would grow with each.
    """
    try:
        twin = copy.copy(error)
        if type(twin) is type(error) and str(twin) == str(error):
            return twin
    except Exception:  # noqa: S110 - its __init__ wants more than its words
        pass
    for kind in type(error).__mro__:
        try:
            twin = kind(str(error))
            if isinstance(twin, Exception):
                twin.__dict__.update(error.__dict__)
                return twin
        except Exception:  # noqa: S112
            continue
    return _FALLBACK(str(error))
