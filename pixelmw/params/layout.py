"""Works out from the names of a query where its values belong; most queries have names that were seen before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .names import split_name

# A page or an e-mail sends the same names again and again. Long sets of names are not kept, so that the memory
# for all of them stays below a few megabytes whatever is sent.
_KEPT = 128
_LONGEST_KEPT = 48


class NoLayoutError(Exception):
    """Some name is too long, too deep, or in conflict with another."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The objects and lists that the names of a query make, and the places of the values in them.

    Objects and lists have numbers, the root has 0.

    :ivar nodes: for each object and list below the root the number of its
        parent, its key there and, for a list, its length.
    :ivar leaves: for each value that counts its position in the query, the
        number of its parent and its key there.
    """

    nodes: tuple[tuple[int, Any, int | None], ...]
    leaves: tuple[tuple[int, int, Any], ...]

    def fill(self, values: Sequence[str]) -> dict[str, Any]:
        """A new tree of dicts and lists, with *values* in their places."""
        root: dict[str, Any] = {}
        made: list[Any] = [root]
        for parent, key, length in self.nodes:
            node: Any = {} if length is None else [None] * length
            made[parent][key] = node
            made.append(node)
        for position, parent, key in self.leaves:
            made[parent][key] = values[position]
        return root


def layout_of(names: tuple[str, ...], key_chars: int, depth: int) -> Layout:
    """The shape of *names*, of which those that are blank count for nothing.

    :raises ShapelessError: where a name has more characters than *key_chars* or
        more segments than *depth*, or is a value and a parent at once.
    """
    if len(names) > _LONGEST_KEPT:
        return _work_out(names, key_chars, depth)
    return _known_shape(names, key_chars, depth)


def _work_out(names: tuple[str, ...], key_chars: int, depth: int) -> Layout:
    root: dict[str, Any] = {}
    objects = set()  # ids of the nodes with a child that was spelled with an escape: these are never lists
    for position, name in enumerate(names):
        if not name:
            continue
        if len(name) > key_chars:
            raise NoLayoutError
        segments, escaped = split_name(name)
        if len(segments) > depth:
            raise NoLayoutError
        node = root
        for at, segment in enumerate(segments[:-1]):
            if at in escaped:
                objects.add(id(node))
            node = node.setdefault(segment, {})
            if type(node) is not dict:
                raise NoLayoutError
        if len(segments) - 1 in escaped:
            objects.add(id(node))
        if type(node.setdefault(segments[-1], position)) is dict:
            raise NoLayoutError
    return _flatten(root, objects)


_known_shape = lru_cache(maxsize=_KEPT)(_work_out)


def _flatten(root: dict[str, Any], objects: set[int]) -> Layout:
    nodes: list[tuple[int, Any, int | None]] = []
    leaves = []
    waiting = [(root, False)]
    for number, (tree, is_list) in enumerate(waiting):
        for segment, child in tree.items():
            key = int(segment) if is_list else segment
            if isinstance(child, dict):
                # The look for "0" spares nearly every node the rest.
                child_is_list = "0" in child and id(child) not in objects and _has_indexes_only(child)
                nodes.append((number, key, len(child) if child_is_list else None))
                waiting.append((child, child_is_list))
            else:
                leaves.append((child, number, key))
    return Layout(tuple(nodes), tuple(leaves))


def _has_indexes_only(node: dict[str, Any]) -> bool:
    return all(str(index) in node for index in range(len(node)))
