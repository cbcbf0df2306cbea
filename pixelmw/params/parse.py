"""Turns a query string into nested dicts, lists and strings.

The rules, in the order in which they apply:

1. Only ``&`` separates. ``+`` is a space. A malformed ``%`` stays as it is.
   Bytes that are not UTF-8 become U+FFFD, and so does NUL.
2. The value of a bare key is ``""``. Names are freed of white space around them
   and of ``amp;`` in front. Empty pairs and pairs without a key are skipped. If
   a key is repeated, its first value counts.
3. ``.`` nests, and ``\\`` makes the next character literal. No other character
   is special.
4. A node whose children are named 0, 1, ... n-1, none of them with an escape,
   is a list. The root is always a dict.
5. If a name has a value and also children, it is a conflict, whichever comes
   first. A blank value counts as absent there.
6. A parameter ``data`` with a JSON object in base64 is the whole event, if no id
   stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ..errors import Rejected
from ..text import environ_bytes, is_blank, name_without_value
from .decode import decode_pairs
from .layout import NoLayoutError, layout_of
from .limits import Limits
from .names import join_name, repair_name, split_name
from .segment_data import event_in_data

_PAIRS_WITHOUT_NAME = re.compile(rb"&(?:=[^&]*&)+")


def parse_query(query: str, limits: Limits) -> dict[str, Any]:
    """Parse a ``QUERY_STRING`` into a dict of strings, dicts and lists.

    Only an event that came in ``data`` also has numbers, booleans and ``None``.

    :param query: as PEP 3333 has it: each character up to U+00FF is one byte.
    :raises Rejected: ``too-large`` if the query is over a limit in bytes,
        parameters or characters; ``bad-query`` if a name is too deep or in
        conflict with another.
    """
    raw = environ_bytes(query)
    if len(raw) > limits.query_bytes:
        raise _too_large("query_bytes", f"the query string has {len(raw)} bytes", limits)
    if raw.count(b"&") >= limits.params:
        raw = _without_empty_pairs(raw)
        if (count := raw.count(b"&") + 1) > limits.params:
            raise _too_large("params", f"the query string has {count} parameters", limits)
    names, values = decode_pairs(raw)
    try:
        params = layout_of(tuple(names), limits.key_chars, limits.depth).fill(values)
    except NoLayoutError:
        names = _without_blank_parents(names, values, limits)
        params = layout_of(tuple(names), limits.key_chars, limits.depth).fill(values)
    return event_in_data(params, limits) if "data" in params else params


def _without_empty_pairs(raw: bytes) -> bytes:
    """*raw* without empty pairs and pairs without a name, which do not count as parameters."""
    while b"&&" in raw:
        raw = raw.replace(b"&&", b"&")
    if b"&=" in raw or raw.startswith(b"="):
        raw = _PAIRS_WITHOUT_NAME.sub(b"&", b"&" + raw + b"&")
    return raw.strip(b"&")


def _without_blank_parents(names: Sequence[str], values: Sequence[str], limits: Limits) -> list[str]:
    """*names* with nothing in place of those that have a blank value and also children.

    :raises Rejected: if a name is too long, too deep, or has children and a
        value that is not blank. Of several names at fault it tells the one that
        sorts first, so that the order of parameters makes no difference.
    """
    names = [repair_name(name) for name in names]
    if too_long := min((name for name in names if len(name) > limits.key_chars), default=None):
        problem = f"the parameter {name_without_value(too_long)} has a name of {len(too_long)} characters"
        raise _too_large("key_chars", problem, limits, path=too_long)
    paths = [tuple(split_name(name)[0]) if name else () for name in names]
    value_of: dict[tuple[str, ...], str] = {}
    for path, value in zip(paths, values, strict=True):
        if path:
            value_of.setdefault(path, value)
    in_order = sorted(value_of)
    if too_deep := next((path for path in in_order if len(path) > limits.depth), None):
        name = join_name(too_deep)
        message = f"{name_without_value(name)} has {len(too_deep)} segments; at most {limits.depth} are accepted"
        raise Rejected("bad-query", message, path=name, rule="depth")
    blank_parents = set()
    # The children of a name sort right behind it, so that they are always found between two neighbours.
    for parent, child in pairwise(in_order):
        if child[: len(parent)] == parent:
            if not is_blank(value_of[parent]):
                name, name_inside = join_name(parent), join_name(child)
                message = (
                    f"{name_without_value(name)} has a value, and so has {name_without_value(name_inside)} inside it"
                )
                raise Rejected("bad-query", message, path=name, rule="conflict")
            blank_parents.add(parent)
    return ["" if path in blank_parents else name for path, name in zip(paths, names, strict=True)]


def _too_large(limit: str, problem: str, limits: Limits, path: str | None = None) -> Rejected:
    return Rejected("too-large", f"{problem}; at most {getattr(limits, limit)} are accepted", path=path, rule=limit)
