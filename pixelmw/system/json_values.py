"""Finds what is not JSON in a value that a program has built."""

from __future__ import annotations

import math
from typing import Any

# MySQL takes no document that is nested deeper, and what copies or compares a value needs some stack for each level.
_MAX_LEVELS = 100
# Python writes no whole number of more than 4300 digits (sys.set_int_max_str_digits); 2**14_000 has 4215.
_MAX_INT_BITS = 14_000
_LEAVES = frozenset({str, int, float, bool, type(None)})

Fault = tuple[list[str | int], str]


def find_non_json(value: Any, levels: int = _MAX_LEVELS) -> Fault | None:
    """The first part of *value* that is not JSON (RFC 8259), or ``None``.

    Subclasses of ``str``, ``int``, ``float``, ``dict`` and ``list`` are JSON. A tuple is not: a schema takes it for
    no array, and a sink writes it as one.

    :param levels: how many dicts and lists may lie within each other; what holds itself is found by that, too.
    :returns: the names and indexes that lead to it, and what it is, in words that show none of its text.
    """
    # The real type counts: a proxy, such as werkzeug.local.LocalProxy, says by its __class__ what it stands for.
    kind = type(value)
    if issubclass(kind, str):
        return None if value.isascii() or _is_unicode(value) else ([], "a text with half of a surrogate pair")
    if issubclass(kind, dict):
        return _find_in_dict(value, levels) if levels else ([], "nested too deep")
    if issubclass(kind, list):
        return _find_in_list(value, levels) if levels else ([], "nested too deep")
    if issubclass(kind, float):
        return None if math.isfinite(value) else ([], "NaN or infinite")
    if issubclass(kind, int):
        return None if value.bit_length() <= _MAX_INT_BITS else ([], "a number of more than 4200 digits")
    return None if value is None else ([], f"a {kind.__qualname__}")


def count_containers(value: Any) -> int:
    """How many dicts and lists *value* consists of, or a few more; it cannot be nested deeper.

    :param value: what ``json`` has written: it does not hold itself.
    :raises TypeError: if a name in it is no string; ``json`` silently writes the name ``1`` as ``"1"``.
    """
    containers = [value]
    for each in containers:  # which grows meanwhile
        if isinstance(each, dict):
            for name, child in each.items():  # one loop for both: each sink does this for each event
                if type(name) is not str and not isinstance(name, str):
                    raise TypeError(f"a name is a {type(name).__qualname__}, and no string")
                if type(child) not in _LEAVES:
                    containers.append(child)
        elif isinstance(each, (list, tuple)):
            containers += [child for child in each if type(child) not in _LEAVES]
    return len(containers)


def _find_in_dict(value: dict[Any, Any], levels: int) -> Fault | None:
    for name, child in value.items():
        if type(name) is not str and not issubclass(type(name), str):
            return [], f"a name that is a {type(name).__qualname__} and no string"
        if not name.isascii() and not _is_unicode(name):
            return [], "a name with half of a surrogate pair"
        if fault := find_non_json(child, levels - 1):
            fault[0].insert(0, name)
            return fault
    return None


def _find_in_list(value: list[Any], levels: int) -> Fault | None:
    for index, child in enumerate(value):
        if fault := find_non_json(child, levels - 1):
            fault[0].insert(0, index)
            return fault
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
