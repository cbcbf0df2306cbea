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

from .decoding import decode_pairs, environ_bytes
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


def parse_query(query: str, limits: Limits) -> dict[str, Any]:
    """Parse a ``QUERY_STRING`` into a dict of strings, dicts and lists.

    :raises Rejected: ``too-large`` past a limit in bytes, parameters or
        characters; ``bad-query`` for a name that is too deep or in conflict.
    """
    raw = environ_bytes(query)
    if len(raw) > limits.query_bytes:
        raise _too_large("query_bytes", f"the query string has {len(raw)} bytes", limits)
    if raw.count(b"&") >= limits.params and (params := _count_params(raw)) > limits.params:
        raise _too_large("params", f"the query string has {params} parameters", limits)
    pairs = decode_pairs(raw)
    try:
        return _Tree(limits).grow(pairs)
    except _AtFaultError:
        raise _fault([name for name, _ in pairs], limits) from None


def _count_params(raw: bytes) -> int:
    pairs = list(filter(None, raw.split(b"&")))
    if raw.startswith(b"=") or b"&=" in raw:
        pairs = [pair for pair in pairs if not pair.startswith(b"=")]
    return len(pairs)


class _AtFaultError(Exception):
    """Some name is too long, too deep or in conflict."""


class _Tree:
    """Grows a tree of dicts, and turns into lists those that are."""

    def __init__(self, limits: Limits) -> None:
        self.root: dict[str, Any] = {}
        self._limits = limits
        self._nodes: dict[str, dict[str, Any]] = {}  # the name of a node without escapes -> the node
        self._escaped: list[str] = []
        self._indexed = False  # whether there is a segment "0", without which there is no list

    def grow(self, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        """The tree of *pairs*.

        :raises _AtFaultError: where there is none.
        """
        root, nodes, longest = self.root, self._nodes, self._limits.key_chars
        for name, value in pairs:
            if len(name) > longest:
                raise _AtFaultError
            if "\\" in name:
                node, last = self._escaped_node(name)
            else:
                # Parameters come in families: a parent that was found once is found at once.
                parent, dot, last = name.rpartition(".")
                node = (nodes.get(parent) or self._node(parent)) if dot else root
            if last == "0":
                self._indexed = True
            if last not in node:
                node[last] = value
            elif type(node[last]) is dict:
                raise _AtFaultError
        if self._indexed:
            _make_lists(root, self._escaped_parents())
        return root

    def _node(self, name: str) -> dict[str, Any]:
        segments = name.split(".")
        node = self._nodes[name] = self._descend(segments)
        return node

    def _escaped_node(self, name: str) -> tuple[dict[str, Any], str]:
        *segments, last = split_name(name)[0]
        self._escaped.append(name)
        return self._descend(segments), last

    def _descend(self, segments: list[str]) -> dict[str, Any]:
        if len(segments) >= self._limits.depth:
            raise _AtFaultError
        if "0" in segments:
            self._indexed = True
        node = self.root
        for segment in segments:
            node = node.setdefault(segment, {})
            if type(node) is not dict:
                raise _AtFaultError
        return node

    def _escaped_parents(self) -> set[int]:
        """The ids of the nodes with a child that was spelled with an escape: these are never lists."""
        parents = set()
        for segments, escaped in map(split_name, self._escaped):
            node = self.root
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
                if id(child) not in objects and all(str(index) in child for index in range(len(child))):
                    child = node[key] = [child[str(index)] for index in range(len(child))]
                nodes.append(child)


def _fault(names: list[str], limits: Limits) -> Rejected:
    """What is wrong with *names*. Of several faults the least name is told: their order must not matter."""
    if too_long := min((name for name in names if len(name) > limits.key_chars), default=None):
        what = f"the parameter {shown(too_long)} has a name of {len(too_long)} characters"
        return _too_large("key_chars", what, limits, path=too_long)
    paths = sorted(split_name(name)[0] for name in names)
    if too_deep := next((path for path in paths if len(path) > limits.depth), None):
        name = join_name(too_deep)
        what = f"{shown(name)} has {len(too_deep)} segments; at most {limits.depth} are accepted"
        return Rejected("bad-query", what, path=name, rule="depth")
    parent, child = next((a, b) for a, b in pairwise(paths) if a != b and b[: len(a)] == a)
    what = f"{shown(join_name(parent))} has a value, and so has {shown(join_name(child))} inside it"
    return Rejected("bad-query", what, path=join_name(parent), rule="conflict")


def _too_large(limit: str, what: str, limits: Limits, path: str | None = None) -> Rejected:
    return Rejected("too-large", f"{what}; at most {getattr(limits, limit)} are accepted", path=path, rule=limit)


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
