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

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any
from urllib.parse import unquote_to_bytes

from .errors import Rejected, shown

#: An event deeper than this could exhaust the interpreter's stack in the validator.
MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may hold. Past a limit it is refused, never cut.

    :param query_bytes: length of the query string, in bytes.
    :param params: number of parameters, repeated ones included.
    :param key_chars: length of a decoded name, in characters.
    :param depth: segments in a name; at most 64.
    :raises TypeError: where a limit is not an integer.
    :raises ValueError: where it is below 1, or *depth* above 64.
    """

    query_bytes: int = 32768
    params: int = 256
    key_chars: int = 256
    depth: int = 10

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"Limits.{field.name} is a number of things, not {value!r}")
            if value < 1:
                raise ValueError(f"Limits.{field.name} is {value}: it must be at least 1")
        if self.depth > MAX_DEPTH:
            raise ValueError(f"Limits.depth is {self.depth}: it must be at most {MAX_DEPTH}")


def environ_bytes(value: str) -> bytes:
    """The bytes that a WSGI string stands for.

    PEP 3333 has each byte as the latin-1 character of that number. A string
    with any other character comes from a server that has decoded it already.
    """
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def to_text(raw: bytes) -> str:
    """*raw* as UTF-8 that every JSON encoder and database can hold."""
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def unquote(raw: bytes) -> str:
    """Decode one name or one value of a query string."""
    raw = raw.replace(b"+", b" ")
    return to_text(unquote_to_bytes(raw) if b"%" in raw else raw)


def parse_query(query: str, limits: Limits) -> dict[str, Any]:
    """Parse a ``QUERY_STRING`` into a dict of strings, dicts and lists.

    :raises Rejected: ``too-large`` past a limit in bytes, parameters or
        characters; ``bad-query`` for a name that is too deep or in conflict.
    """
    raw = environ_bytes(query)
    if len(raw) > limits.query_bytes:
        raise _too_large("query_bytes", f"the query string has {len(raw)} bytes", limits)
    pairs = [pair for pair in raw.split(b"&") if pair and not pair.startswith(b"=")]
    if len(pairs) > limits.params:
        raise _too_large("params", f"the query string has {len(pairs)} parameters", limits)
    named = [(unquote(name), unquote(value)) for name, _, value in (pair.partition(b"=") for pair in pairs)]
    # Where several names are at fault, the least one is told: the answer does not depend on their order.
    if too_long := min((name for name, _ in named if len(name) > limits.key_chars), default=None):
        what = f"the parameter {shown(too_long)} has a name of {len(too_long)} characters"
        raise _too_large("key_chars", what, limits, path=too_long)
    return _build_tree([(*split_name(name), value) for name, value in named], limits)


def _too_large(limit: str, what: str, limits: Limits, path: str | None = None) -> Rejected:
    return Rejected("too-large", f"{what}; at most {getattr(limits, limit)} are accepted", path=path, rule=limit)


def _build_tree(params: list[tuple[list[str], frozenset[int], str]], limits: Limits) -> dict[str, Any]:
    if too_deep := min((segments for segments, _, _ in params if len(segments) > limits.depth), default=None):
        name = join_name(too_deep)
        what = f"{shown(name)} has {len(too_deep)} segments; at most {limits.depth} are accepted"
        raise Rejected("bad-query", what, path=name, rule="depth")
    root: dict[str, Any] = {}
    for segments, _, value in params:
        node = root
        for segment in segments[:-1]:
            node = node.setdefault(segment, {})
            if not isinstance(node, dict):
                raise _conflict(params)
        if isinstance(node.setdefault(segments[-1], value), dict):
            raise _conflict(params)
    _make_lists(root, _escaped_parents(root, params))
    return root


def _conflict(params: list[tuple[list[str], frozenset[int], str]]) -> Rejected:
    names = sorted(segments for segments, _, _ in params)
    parent, child = next((a, b) for a, b in pairwise(names) if a != b and b[: len(a)] == a)
    what = f"{shown(join_name(parent))} has a value, and so has {shown(join_name(child))} inside it"
    return Rejected("bad-query", what, path=join_name(parent), rule="conflict")


def _escaped_parents(root: dict[str, Any], params: list[tuple[list[str], frozenset[int], str]]) -> set[int]:
    """The ids of the nodes with a child that was spelled with an escape: these are never lists."""
    parents = set()
    for segments, escaped, _ in params:
        if escaped:
            node = root
            for position, segment in enumerate(segments):
                if position in escaped:
                    parents.add(id(node))
                node = node[segment]
    return parents


def _make_lists(root: dict[str, Any], objects: set[int]) -> None:
    """Replace each node below *root* whose keys are "0" to "n-1" by the list of its children."""
    nodes: list[Any] = [root]
    while nodes:
        node = nodes.pop()
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(child, dict):
                # The look for "0" spares nearly every node the rest.
                if "0" in child and id(child) not in objects:
                    indexes = [str(index) for index in range(len(child))]
                    if all(index in child for index in indexes):
                        child = node[key] = [child[index] for index in indexes]
                nodes.append(child)


def mask_write_key(query: str) -> str:
    """*query* with the value of anything that may be a write key replaced by ``***``.

    Wide on purpose: a key in ``amp;writeKey=``, ``write%4Bey=``, ``writeKey.x=``
    or ``writeKey%3D...`` is as secret as one in its proper place.
    """
    return "&".join(map(_mask, query.split("&")))


def _mask(pair: str) -> str:
    if not ("key" in pair.lower() or "%" in pair or "\\" in pair):
        return pair
    raw_name, equals, _ = pair.partition("=")
    name, inner_equals, _ = unquote(environ_bytes(raw_name)).replace("\\", "").partition("=")
    if "writekey" not in name.lower():
        return pair
    return f"{name}=***" if inner_equals else f"{raw_name}=***" if equals else pair


def split_name(name: str) -> tuple[list[str], frozenset[int]]:
    """The segments of a dotted name, and the positions of those spelled with an escape."""
    if "\\" not in name:
        return name.split("."), frozenset()
    segments, escaped = [""], set()
    chars = iter(name)
    for char in chars:
        if char == ".":
            segments.append("")
        elif char == "\\":
            segments[-1] += next(chars, "")
            escaped.add(len(segments) - 1)
        else:
            segments[-1] += char
    return segments, frozenset(escaped)


def join_name(segments: Sequence[str | int]) -> str:
    """The inverse of :func:`split_name`: segments to a dotted name."""
    return ".".join(str(segment).replace("\\", "\\\\").replace(".", "\\.") for segment in segments)
