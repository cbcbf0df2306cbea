"""Turns a query string into nested dicts, lists and strings.

The rules, in the order in which they apply:

1. Only ``&`` separates. ``+`` is a space, a malformed ``%`` stays as it is,
   bytes that are not UTF-8 become U+FFFD, and so does NUL.
2. A bare key or a blank value is ``""``; an empty pair or an empty key is
   nothing; of a repeated key the first value counts.
3. ``.`` nests, and ``\\`` makes the next character literal. No other character
   is special.
4. A node whose children are named 0, 1, ... n-1, none of them with an escape,
   is a list. The root never is.
5. A name that is a value and a parent at once is a conflict, whichever comes
   first.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from ..errors import Rejected
from ..text import environ_bytes, printable_name
from .decode import decode_pairs
from .layout import NoLayoutError, layout_of
from .limits import Limits
from .names import join_name, split_name

_EMPTY_NAMES = re.compile(rb"&(?:=[^&]*&)+")


def parse_query(query: str, limits: Limits) -> dict[str, Any]:
    """Parse a ``QUERY_STRING`` into a dict of strings, dicts and lists.

    :raises Rejected: ``too-large`` past a limit in bytes, parameters or
        characters; ``bad-query`` for a name that is too deep or in conflict.
    """
    raw = environ_bytes(query)
    if len(raw) > limits.query_bytes:
        raise _too_large("query_bytes", f"the query string has {len(raw)} bytes", limits)
    if raw.count(b"&") >= limits.params:
        raw = _without_empty_pairs(raw)
        if (params := raw.count(b"&") + 1) > limits.params:
            raise _too_large("params", f"the query string has {params} parameters", limits)
    names, values = decode_pairs(raw)
    try:
        return layout_of(tuple(names), limits.key_chars, limits.depth).fill(values)
    except NoLayoutError:
        raise _fault([name for name in names if name], limits) from None


def _without_empty_pairs(raw: bytes) -> bytes:
    """*raw* without the pairs that count for nothing, however many there are."""
    while b"&&" in raw:
        raw = raw.replace(b"&&", b"&")
    if b"&=" in raw or raw.startswith(b"="):
        raw = _EMPTY_NAMES.sub(b"&", b"&" + raw + b"&")
    return raw.strip(b"&")


def _fault(names: list[str], limits: Limits) -> Rejected:
    """What is wrong with *names*. Of several faults the least name is told: their order must not matter."""
    if too_long := min((name for name in names if len(name) > limits.key_chars), default=None):
        what = f"the parameter {printable_name(too_long)} has a name of {len(too_long)} characters"
        return _too_large("key_chars", what, limits, path=too_long)
    paths = sorted(split_name(name)[0] for name in names)
    if too_deep := next((path for path in paths if len(path) > limits.depth), None):
        name = join_name(too_deep)
        what = f"{printable_name(name)} has {len(too_deep)} segments; at most {limits.depth} are accepted"
        return Rejected("bad-query", what, path=name, rule="depth")
    parent, child = next((a, b) for a, b in pairwise(paths) if a != b and b[: len(a)] == a)
    what = f"{printable_name(join_name(parent))} has a value, and so has {printable_name(join_name(child))} inside it"
    return Rejected("bad-query", what, path=join_name(parent), rule="conflict")


def _too_large(limit: str, what: str, limits: Limits, path: str | None = None) -> Rejected:
    return Rejected("too-large", f"{what}; at most {getattr(limits, limit)} are accepted", path=path, rule=limit)
