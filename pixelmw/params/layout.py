"""Where the values of a query belong, by its names.

A page or an e-mail sends the same names again and again. So the layout of a
set of names is computed once and cached; a request with these names only puts
its values in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .names import repair_name, split_name

# Layouts in the cache, and names in a query whose layout is cached. Longer queries are not cached, so that the cache
# stays below a few megabytes whatever is sent.
_CACHE_SIZE = 128
_MAX_CACHED_NAMES = 48


class NoLayoutError(Exception):
    """Some name is too long, too deep, or in conflict with another."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The dicts and lists that the names of a query stand for, and where the values go in them.

    A dict or list is called a container here. Containers are numbered; the root has number 0.

    :ivar containers: for each container below the root, in the order of their
        numbers: the number of its parent, its key there, and its length if it
        is a list.
    :ivar leaves: for each value that counts: its position in the query, the
        number of its container, and its key there.
    """

    containers: tuple[tuple[int, Any, int | None], ...]
    leaves: tuple[tuple[int, int, Any], ...]

    def fill(self, values: Sequence[str]) -> dict[str, Any]:
        """A new tree of dicts and lists, with *values* in their places."""
        root: dict[str, Any] = {}
        made: list[Any] = [root]
        for parent, key, length in self.containers:
            node: Any = {} if length is None else [None] * length
            made[parent][key] = node
            made.append(node)
        for position, parent, key in self.leaves:
            made[parent][key] = values[position]
        return root


def layout_of(names: tuple[str, ...], key_chars: int, depth: int) -> Layout:
    """The layout of *names*, each of them repaired; names that are empty are skipped.

    :raises NoLayoutError: if a name has more characters than *key_chars* or
        more segments than *depth*, or has a value and also children.
    """
    if len(names) > _MAX_CACHED_NAMES:
        return _compute_layout(names, key_chars, depth)
    return _cached_layout(names, key_chars, depth)


def _compute_layout(names: tuple[str, ...], key_chars: int, depth: int) -> Layout:
    root: dict[str, Any] = {}
    objects = set()  # ids of the nodes with a child whose name contains an escape: these are never lists
    for position, name in enumerate(names):
        if not (name := repair_name(name)):
            continue
        if len(name) > key_chars:
            raise NoLayoutError
        segments, escaped = split_name(name)
        if len(segments) > depth:
            raise NoLayoutError
        node = root
        for level, segment in enumerate(segments[:-1]):
            if level in escaped:
                objects.add(id(node))
            node = node.setdefault(segment, {})
            if type(node) is not dict:
                raise NoLayoutError
        if len(segments) - 1 in escaped:
            objects.add(id(node))
        if type(node.setdefault(segments[-1], position)) is dict:
            raise NoLayoutError
    return _to_layout(root, objects)


_cached_layout = lru_cache(maxsize=_CACHE_SIZE)(_compute_layout)


def _to_layout(root: dict[str, Any], objects: set[int]) -> Layout:
    """Number the containers of a tree, breadth first. *objects* are the ids of those that are never lists."""
    containers: list[tuple[int, Any, int | None]] = []
    leaves = []
    waiting = [(root, False)]
    for number, (tree, is_list) in enumerate(waiting):
        for segment, child in tree.items():
            key = int(segment) if is_list else segment
            if isinstance(child, dict):
                # Nearly every node has no child "0", and needs no further look.
                child_is_list = "0" in child and id(child) not in objects and _has_only_indexes(child)
                containers.append((number, key, len(child) if child_is_list else None))
                waiting.append((child, child_is_list))
            else:
                leaves.append((child, number, key))
    return Layout(tuple(containers), tuple(leaves))


def _has_only_indexes(node: dict[str, Any]) -> bool:
    return all(str(index) in node for index in range(len(node)))
